// The public API as its declarations say it: what each entry exports, the members of that, comments, and what can throw.

import { join } from "node:path";
import ts from "typescript";
import { entries } from "../../scripts/entries.mjs";
import { root } from "./pages.js";

/** An export, or a member of one. */
export interface Documented {
  /** `rmsprop-wasm: Variable.value`. */
  readonly name: string;
  readonly description: string;
  readonly canThrow: boolean;
  readonly saysThrows: boolean;
  /** Whether its parameters have a description, or a type that has one. */
  readonly saysParameters: boolean;
  /** Whether an example of its own comment, or of the comments around it, shows it. */
  readonly isShown: boolean;
}

const sources = [...new Set(entries.flatMap(({ source }) => source ?? []))];
const fileOf = (source: string) => join(root, "ts", `${source}.ts`);
const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram(sources.map(fileOf), options);
const checker = program.getTypeChecker();

const isOurs = (node: ts.Node) => {
  const { fileName, isDeclarationFile } = node.getSourceFile();
  return !isDeclarationFile && !fileName.includes("node_modules");
};
const declarationsOf = (symbol: ts.Symbol) => (symbol.declarations ?? []).filter(isOurs);

const resolved = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** What a name stands for: not the import of it. */
function symbolAt(node: ts.Node): ts.Symbol | undefined {
  const symbol = checker.getSymbolAtLocation(node);
  return symbol && resolved(symbol);
}

/** The code blocks in the comment above a declaration. */
function examplesOf(node: ts.Node): string {
  const documented = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const comments = ts.getJSDocCommentsAndTags(documented).filter(ts.isJSDoc);
  const text = comments.map((comment) => comment.getText().replace(/^ *\* ?/gm, "")).join("\n");
  return [...text.matchAll(/^```[jt]s\n(.*?)^```$/gms)].map(([, code]) => code).join("");
}

type WithMembers = ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeLiteralNode;
const hasMembers = (node: ts.Node): node is WithMembers =>
  ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeLiteralNode(node);

/** The bodies that declare members: of `type A = { … }` the literal. */
const bodiesOf = (node: ts.Node): WithMembers[] =>
  hasMembers(node) ? [node] : ts.isTypeAliasDeclaration(node) && hasMembers(node.type) ? [node.type] : [];

const isHidden = (node: ts.Node) =>
  ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal") ||
  (ts.getCombinedModifierFlags(node as ts.Declaration) & ts.ModifierFlags.NonPublicAccessibilityModifier) !== 0;

/** The constructors of a class, with their overloads. */
const constructorsOf = (node: ts.Node) =>
  ts.isClassDeclaration(node) ? node.members.filter((member) => ts.isConstructorDeclaration(member)) : [];

/** Whether a class can only be made by the package. */
const isMadeByUs = (node: ts.Node) => constructorsOf(node).some(isHidden);

/** The public members that a declaration has itself; getters and setters, and overloads, are one. */
function membersOf(node: WithMembers): Map<string, ts.Node[]> {
  const members = new Map<string, ts.Node[]>();
  for (const member of node.members) {
    if (!member.name || !ts.isIdentifier(member.name) || isHidden(member)) continue;
    members.set(member.name.text, [...(members.get(member.name.text) ?? []), member]);
  }
  return members;
}

/** The types that a declaration names outside of function bodies: what it extends, takes and gives. */
function typesIn(node: ts.Node): ts.Symbol[] {
  if (ts.isBlock(node)) return [];
  const name = ts.isTypeReferenceNode(node)
    ? node.typeName
    : ts.isExpressionWithTypeArguments(node)
      ? node.expression
      : undefined;
  const symbol = name && symbolAt(name);
  const inner: ts.Symbol[] = [];
  ts.forEachChild(node, (child) => void inner.push(...typesIn(child)));
  return symbol ? [symbol, ...inner] : inner;
}

const known = new Map<ts.Node, boolean>();

/** Whether a function throws itself, or calls or reads what does. */
function canThrow(node: ts.Node): boolean {
  const result = known.get(node);
  if (result !== undefined) return result;
  known.set(node, false);
  const throws = (each: ts.Node): boolean => {
    if (ts.isThrowStatement(each)) return true;
    if ((ts.isCallExpression(each) || ts.isNewExpression(each)) && targetsOf(each.expression).some(canThrow))
      return true;
    if (ts.isPropertyAccessExpression(each) && targetsOf(each).some((to) => ts.isGetAccessor(to) && canThrow(to)))
      return true;
    return ts.forEachChild(each, throws) ?? false;
  };
  const body = bodyOf(node);
  const found = body !== undefined && throws(body);
  known.set(node, found);
  return found;
}

function bodyOf(node: ts.Node): ts.Node | undefined {
  if (ts.isVariableDeclaration(node)) return node.initializer && bodyOf(node.initializer);
  if (ts.isClassDeclaration(node)) return constructorsOf(node).find(({ body }) => body);
  return (node as ts.FunctionLikeDeclaration).body;
}

/** What an expression that is called, or read, may be. */
function targetsOf(expression: ts.Expression): readonly ts.Node[] {
  if (ts.isElementAccessExpression(expression)) {
    const key = checker.getTypeAtLocation(expression.argumentExpression);
    if (!(key.flags & ts.TypeFlags.UniqueESSymbol)) return [];
    const name = String((key as ts.UniqueESSymbolType).escapedName);
    const member = checker.getPropertyOfType(checker.getTypeAtLocation(expression.expression), name);
    return member ? declarationsOf(member) : [];
  }
  const symbol = symbolAt(ts.isPropertyAccessExpression(expression) ? expression.name : expression);
  return symbol ? declarationsOf(symbol) : [];
}

/** Each export once, by the first entry that has it. */
const exported = new Map<ts.Symbol, string>();
for (const source of sources) {
  const { path } = entries.find((entry) => entry.source === source)!;
  const module = checker.getSymbolAtLocation(program.getSourceFile(fileOf(source))!)!;
  for (const each of checker.getExportsOfModule(module)) {
    const symbol = resolved(each);
    if (!exported.has(symbol)) exported.set(symbol, `${path.replace(".", "rmsprop-wasm")}: ${each.name}`);
  }
}

/** By a type: the exports in whose declarations it is named. */
const users = new Map<ts.Symbol, Set<ts.Symbol>>();
for (const symbol of exported.keys()) {
  for (const type of declarationsOf(symbol).flatMap(typesIn))
    users.set(type, (users.get(type) ?? new Set()).add(symbol));
}

/** The examples of an export and its members. */
const examplesWithin = (symbol: ts.Symbol) =>
  declarationsOf(symbol)
    .flatMap((node) => [node, ...bodiesOf(node).flatMap((body) => [...body.members])])
    .map(examplesOf)
    .join("");

const isType = (symbol: ts.Symbol) =>
  declarationsOf(symbol).every((node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node));

/** Those of what uses it too, also by way of another type, and of what it extends. */
function examplesAround(symbol: ts.Symbol): string {
  const near = new Set([symbol]);
  // It grows on the way.
  for (const each of near)
    if (isType(each) || each === symbol) for (const user of users.get(each) ?? []) near.add(user);
  for (const each of [...near]) {
    for (const node of declarationsOf(each)) {
      if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) continue;
      for (const base of (node.heritageClauses ?? []).flatMap(typesIn)) near.add(base);
    }
  }
  return [...near].map(examplesWithin).join("");
}

/** Parameters with neither a description nor a type of the API, whose own it would be. */
function isUnsaid(parameter: ts.ParameterDeclaration): boolean {
  if (!ts.isIdentifier(parameter.name) || parameter.name.text === "this") return false;
  const described = parameter.type && ts.isTypeReferenceNode(parameter.type) && symbolAt(parameter.type.typeName);
  return ts.getJSDocParameterTags(parameter).length === 0 && !(described && exported.has(described));
}

/** Of overloads, the implementation is not public. */
const isSignature = (node: ts.Node, all: readonly ts.Node[]): node is ts.SignatureDeclaration =>
  ts.isFunctionLike(node) &&
  !ts.isAccessor(node) &&
  !isHidden(node) &&
  !(all.length > 1 && (node as ts.FunctionLikeDeclaration).body);

function documented(name: string, nodes: readonly ts.Node[], symbol: ts.Symbol, isShown: boolean): Documented {
  const tagged = [...nodes, ...nodes.flatMap(constructorsOf)];
  return {
    name,
    description: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    canThrow: tagged.some((node) => !isHidden(node) && !isMadeByUs(node) && canThrow(node)),
    saysThrows: tagged.some((node) => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "throws")),
    saysParameters: !tagged.some((node) => isSignature(node, tagged) && node.parameters.some(isUnsaid)),
    isShown,
  };
}

/** All of the API. */
export const api: readonly Documented[] = [...exported].flatMap(([symbol, name]) => {
  const nodes = declarationsOf(symbol);
  const around = examplesAround(symbol);
  const shows = (word: string) => new RegExp(`\\b${word}\\b`).test(around);
  // A class of a group is shown by the group's example, in the same file: the errors, by what tells them apart.
  const inFile = nodes
    .flatMap((node) => [...node.getSourceFile().statements])
    .map(examplesOf)
    .join("");
  const own = new RegExp(`\\b${symbol.name}\\b`).test(around + inFile);
  const isAbstract = nodes.some(
    (node) =>
      ts.isClassDeclaration(node) &&
      (node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword) || isMadeByUs(node)),
  );
  const members = nodes.flatMap(bodiesOf).flatMap((body) => [...membersOf(body)]);
  return [
    documented(name, nodes, symbol, isType(symbol) || own || (isAbstract && around !== "")),
    ...members.map(([member, declarations]) => {
      const symbolOfMember = checker.getSymbolAtLocation((declarations[0] as ts.NamedDeclaration).name!)!;
      return documented(`${name}.${member}`, declarations, symbolOfMember, shows(member));
    }),
  ];
});
