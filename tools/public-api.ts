// What the doors of the package give, read from the declarations that the compiler emitted: names, declarations,
// comments and examples. docs/api.md is printed from it; the tests compile and run its examples.

import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const compiled = fileURLToPath(new URL('../src/', import.meta.url));

/** Compiler settings of a program that uses the package. */
export const settings: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.asynciterable.d.ts'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

/** One thing that a door gives, or that its declarations speak of. */
export interface Declared {
  readonly name: string;
  readonly isFunction: boolean;
  /** The room that it is declared in. */
  readonly room: string;
  /** What its comment says before the first tag. */
  readonly description: string;
  /** Block tags of its comment in order: `param`, `returns`, `throws`, `example`. */
  readonly tags: readonly { readonly tag: string; readonly text: string }[];
  /** As the compiler emitted them, comments inside kept; several where a function is overloaded. */
  readonly declarations: readonly string[];
}

/** A door of the package. */
export interface Door {
  /** What is imported from: `onnx-graft/browser`. */
  readonly specifier: string;
  readonly exports: readonly Declared[];
  /** Names whose declaration a door before it shows. */
  readonly shared: readonly string[];
}

/** The doors, and the types that are not exported but that what is exported is declared with. */
export interface PublicApi {
  readonly doors: readonly Door[];
  readonly further: readonly Declared[];
}

const entries = {
  'onnx-graft': 'index.d.ts',
  'onnx-graft/browser': 'browser.d.ts',
  'onnx-graft/testing': 'testing.d.ts',
};

/** Reads the public API from the declarations beside this tool. */
export function publicApi(): PublicApi {
  const files = Object.values(entries).map(name => join(compiled, name));
  const program = ts.createProgram(files, settings);
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  const doors = Object.keys(entries).map((specifier, i): Door => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(files[i]!)!)!;
    const given = checker.getExportsOfModule(module).map(symbol => ({ name: symbol.name, own: aim(checker, symbol) }));
    const fresh = given.filter(({ own }) => !seen.has(own));
    const shared = given.filter(({ own }) => seen.has(own)).map(({ name }) => name);
    for (const { own } of fresh) seen.add(own);
    return {
      specifier,
      shared: shared.sort(),
      exports: fresh.map(({ name, own }) => describe(checker, own, name)).sort(byName),
    };
  });
  const further = spokenOf(checker, seen).map(symbol => describe(checker, symbol, symbol.name));
  return { doors, further: further.sort(byName) };
}

const byName = (a: Declared, b: Declared) => Number(`${a.name} ${a.room}` > `${b.name} ${b.room}`) * 2 - 1;
const aim = (checker: ts.TypeChecker, symbol: ts.Symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

function describe(checker: ts.TypeChecker, symbol: ts.Symbol, name: string): Declared {
  const declarations = symbol.declarations ?? [];
  const isCallable = (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Variable)) !== 0;
  const calls = isCallable ? checker.getTypeOfSymbol(symbol).getCallSignatures() : [];
  // an overloaded function repeats its comment
  const tags = symbol.getJsDocTags(checker).map(({ name: tag, text }) => ({ tag, text: words(text) }));
  return {
    name,
    isFunction: calls.length > 0,
    room: relative(compiled, declarations[0]!.getSourceFile().fileName).split(/[\\/]/)[0]!,
    description: words(symbol.getDocumentationComment(checker)),
    tags: tags.filter((one, i) => tags.findIndex(other => other.tag === one.tag && other.text === one.text) === i),
    declarations: declarations.map(textOf),
  };
}

const words = (parts: ts.SymbolDisplayPart[] | undefined) =>
  ts.displayPartsToString(parts).replace(/\{@link\s+([^}\s]+)\s*\}/g, '`$1`');

/** A declaration without `export declare`; of a constant the whole statement. */
function textOf(declaration: ts.Declaration): string {
  const whole = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return whole
    .getText()
    .replace(/^export /, '')
    .replace(/^declare /, '');
}

/** Everything of the package that the declarations of `known` name, and that those name, that is not in `known`. */
function spokenOf(checker: ts.TypeChecker, known: ReadonlySet<ts.Symbol>): ts.Symbol[] {
  const found = new Set<ts.Symbol>();
  const pending = [...known];
  for (let symbol = pending.pop(); symbol; symbol = pending.pop())
    for (const declaration of symbol.declarations ?? [])
      // `export * as onnx` is a whole module: what it gives is listed nowhere else and speaks for itself
      if (!ts.isSourceFile(declaration)) declaration.forEachChild(visit);
  return [...found];

  function visit(node: ts.Node): void {
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    if (symbol) {
      const own = aim(checker, symbol);
      if (!known.has(own) && !found.has(own) && isOfModule(own)) {
        found.add(own);
        pending.push(own);
      }
    }
    node.forEachChild(visit);
  }
}

/** Declared at the top of a module of the package, not a parameter, a member, or something of a library. */
function isOfModule({ declarations = [] }: ts.Symbol): boolean {
  return declarations.some(declaration => {
    const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const isOurs = !relative(compiled, declaration.getSourceFile().fileName).startsWith('..');
    return isOurs && ts.isSourceFile(statement.parent ?? statement) && !ts.isSourceFile(statement);
  });
}
