// Turns an example into a module that checks its value comments.

import ts from "typescript";

/** `w` and `optimizer` of the first example, for those that do not make their own. */
const PRELUDE = `const w = new Variable(10, { name: "w" }), optimizer = new RMSprop({ learningRate: 0.1 }); optimizer.build([w]);`;

/** A comment that is a value: a number, a string, a word of the language, an array or an object. */
const VALUE = /^(-?[\d._]+(e[-+]?\d+)?|".*"|true|false|null|undefined|NaN|-?Infinity|\[.*\]|\{.*\})$/;

/**
 * The example as a module. All `names` of the package are there, imported or not, and with any the `PRELUDE`; without
 * names the example stands alone. Behind a statement that is an expression, a comment that is a value is what must come
 * of it, and `throws <class>: <message>` the error.
 */
export function toModule(code: string, names: readonly string[]): string {
  const source = ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true);
  const edits: { node: ts.Node; text: string }[] = [];
  const imports = source.statements.filter(ts.isImportDeclaration);
  for (const node of imports) edits.push({ node, text: "" });
  const visit = (node: ts.Node): void => {
    const text = ts.isExpressionStatement(node) ? checking(node) : undefined;
    if (text === undefined) ts.forEachChild(node, visit);
    else edits.push({ node, text });
  };
  visit(source);

  let body = code;
  // From the end, so that earlier offsets stay valid.
  for (const { node, text } of edits.reverse()) body = body.slice(0, node.getStart()) + text + body.slice(node.end);

  const imported = imports.map((node) => node.importClause?.getText()).join();
  const others = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(imported));
  const alone = names.length === 0;
  const head = [
    `import { check, throws } from "../../test/docs/check.js";`,
    ...(alone ? [] : [`import { ${others.join(", ")} } from "rmsprop-wasm";`]),
    ...imports.map((node) => node.getText()),
    ...(alone ? [] : [PRELUDE]),
  ];
  return `${head.join("\n")}\n{\n${body}}\nvoid [check, throws];\n`;
}

/** What a statement becomes whose comment says what comes of it. */
function checking(statement: ts.ExpressionStatement): string | undefined {
  const { text } = statement.getSourceFile();
  const [range] = ts.getTrailingCommentRanges(text, statement.end) ?? [];
  const comment = range ? text.slice(range.pos + 2, range.end).trim() : "";
  const { expression } = statement;
  const call = `() => (${expression.getText()})`;

  const [, type, message] = /^throws (\w+): (.*)$/.exec(comment) ?? [];
  if (type && message) return `throws(${call}, ${JSON.stringify(type)}, ${JSON.stringify(message)});`;
  if (VALUE.test(comment)) return `check(${call}, ${comment});`;
  if (ts.isPropertyAccessExpression(expression) || ts.isElementAccessExpression(expression)) {
    throw new Error(`What \`${statement.getText()}\` is, its comment does not say: ${comment}`);
  }
  return undefined;
}
