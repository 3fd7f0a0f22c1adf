// What TypeDoc's Markdown lacks: entries by the names one imports, and the types of errors thrown.
import { Converter, ReflectionKind } from "typedoc";

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const entry = module.name.replace(/(^|\/)index$/, "");
      module.name = entry === "" ? "rmsprop-wasm" : `rmsprop-wasm/${entry}`;
    }
    for (const reflection of Object.values(project.reflections)) {
      for (const tag of reflection.comment?.blockTags ?? []) {
        // The theme would drop the type of `@throws {StateError} if …`.
        const type = tag.typeAnnotation?.replace(/^\{|\}$/g, "");
        if (type) tag.content.unshift({ kind: "code", text: `\`${type}\`` }, { kind: "text", text: " " });
      }
    }
  });
}
