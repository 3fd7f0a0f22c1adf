// What TypeDoc's Markdown lacks: entries by the names one imports, the types of errors thrown, and formulas.
import { Comment, Converter, ReflectionKind } from "typedoc";
import { display, options, schedules, texOf } from "./formulas.mjs";

const FORMULA = /^```text\n(.*←.*?)\n```$/s;

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const entry = module.name.replace(/(^|\/)index$/, "");
      module.name = entry === "" ? "rmsprop-wasm" : `rmsprop-wasm/${entry}`;
    }
    for (const reflection of Object.values(project.reflections)) {
      // It says nothing that the getter does not say.
      if (reflection.getSignature) reflection.setSignature = undefined;
      // Where it comes from says something only if there is a page about that.
      if (reflection.inheritedFrom && !reflection.inheritedFrom.reflection) reflection.inheritedFrom = undefined;
      const { comment } = reflection;
      if (!comment) continue;
      for (const tag of comment.blockTags) {
        // The theme would drop the type of `@throws {StateError} if …`.
        const type = tag.typeAnnotation?.replace(/^\{|\}$/g, "");
        if (type) tag.content.unshift({ kind: "code", text: `\`${type}\`` }, { kind: "text", text: " " });
      }
      comment.blockTags = withErrorsListed(comment.blockTags);
      for (const part of comment.summary) {
        const [, text] = (part.kind === "code" && FORMULA.exec(part.text)) || [];
        if (text === undefined) continue;
        const tex = texOf(text);
        if (!tex) throw new Error(`${reflection.getFullName()} has a formula that site/formulas.mjs lacks:\n${text}`);
        Object.assign(part, { kind: "text", text: display(tex) });
      }
    }
    for (const signature of project.getReflectionsByKind(ReflectionKind.SomeSignature)) {
      // Callers do not give it.
      signature.parameters = signature.parameters?.filter(({ name }) => name !== "this");
    }
    for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter)) {
      parameter.comment ??= commentOf(parameter.type);
    }
    for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) {
      const tex = formulaOf(reflection);
      if (tex) reflection.comment?.summary.push({ kind: "text", text: `\n\n${display(tex)}` });
    }
  });
}

/** What a parameter is whose type has a name: the first sentence about the type. */
function commentOf(type) {
  const summary = type?.type === "reference" ? type.reflection?.comment?.summary : undefined;
  if (!summary) return undefined;
  const text = summary.map((part) => part.text).join("");
  return new Comment([{ kind: "text", text: text.split(/[.:](?=\s|$)/)[0] }]);
}

/** What can be thrown as one list: the theme gives each tag a heading. */
function withErrorsListed(tags) {
  const errors = tags.filter(({ tag }) => tag === "@throws");
  if (errors.length < 2) return tags;
  const item = ({ content }) => [{ kind: "text", text: "\n- " }, ...content];
  errors[0].content = errors.flatMap(item);
  return tags.filter((tag) => !errors.includes(tag) || tag === errors[0]);
}

/** The formula of a schedule's class, or of an option where it is documented. */
function formulaOf(reflection) {
  if (reflection.kind === ReflectionKind.Class) {
    const isSchedule = reflection.extendedTypes?.some(({ name }) => name === "LearningRateSchedule");
    if (isSchedule && !schedules[reflection.name]) {
      throw new Error(`site/formulas.mjs lacks the formula of ${reflection.name}`);
    }
    return isSchedule ? schedules[reflection.name] : undefined;
  }
  return reflection.parent?.name === "RMSpropOptions" ? options[reflection.name] : undefined;
}
