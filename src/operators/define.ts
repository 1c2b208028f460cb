// What an operator is: one value that holds everything the house knows about it, and a function that emits a node.
// Names are ONNX's own (X W B Y), gradients are dX dY. A forgotten input, a wrong attribute name or an optional
// input used as if present does not compile. This file imports no family, so families may import each other.

import type { ArrayType, DataType, Tensor } from '../base/index.js';
import {
  Value,
  type Attribute,
  type Builder,
  type Dim,
  type Graph,
  type Node,
  type OutputType,
} from '../graph/index.js';
import { errors } from './errors.js';

/** What several rules of one node need, built once for all of them. */
export function once<A extends object, T>(make: (at: A) => T): (at: A) => T {
  const made = new WeakMap<A, { readonly value: T }>();
  return at => {
    const found = made.get(at) ?? { value: make(at) };
    made.set(at, found);
    return found.value;
  };
}

/** How an attribute is declared: its ONNX kind and its default. JavaScript has one number type, ONNX has two. */
export interface AttributeSpec<T> {
  readonly kind: 'int' | 'float' | 'ints' | 'floats' | 'string' | 'strings' | 'tensor' | 'graph';
  readonly default: T;
}
export const int = (value: number): AttributeSpec<number> => ({ kind: 'int', default: value });
export const float = (value: number): AttributeSpec<number> => ({ kind: 'float', default: value });
export const string = (value: string): AttributeSpec<string> => ({ kind: 'string', default: value });
export const optionalInt: AttributeSpec<number | undefined> = { kind: 'int', default: undefined };
export const optionalFloat: AttributeSpec<number | undefined> = { kind: 'float', default: undefined };
export const optionalString: AttributeSpec<string | undefined> = { kind: 'string', default: undefined };
/** A tensor inside a node: what Constant and ConstantOfShape hold. */
export const optionalTensor: AttributeSpec<Tensor | undefined> = { kind: 'tensor', default: undefined };
/** The body of a control-flow operator. */
export const optionalGraph: AttributeSpec<Graph | undefined> = { kind: 'graph', default: undefined };
export const ints: AttributeSpec<readonly number[] | undefined> = { kind: 'ints', default: undefined };
export const floats: AttributeSpec<readonly number[] | undefined> = { kind: 'floats', default: undefined };
export const strings: AttributeSpec<readonly string[] | undefined> = { kind: 'strings', default: undefined };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the attribute's own type is read back by Read
type Attributes = Readonly<Record<string, AttributeSpec<any>>>;
type Read<A extends Attributes> = { readonly [K in keyof A]: A[K]['default'] };
/** `'X'` is needed, `'X?'` may be absent, `'...Xs'` takes the rest. */
type Bare<S extends string> = S extends `${infer N}?` ? N : S extends `...${infer N}` ? N : S;
type Held<S extends string> = S extends `...${string}` ? readonly Value[] : Value;
type Named<I extends readonly string[]> = {
  readonly [K in I[number] as K extends `${string}?` ? never : Bare<K>]: Held<K>;
} & { readonly [K in I[number] as K extends `${infer N}?` ? N : never]?: Value };
/** Gradients of the outputs; one of an optional output is there where something asked for it. */
type Grads<O extends readonly string[]> = {
  readonly [K in O[number] as K extends `${string}?` ? never : `d${Bare<K>}`]: Held<K>;
} & { readonly [K in O[number] as K extends `${infer N}?` ? `d${N}` : never]?: Value };

/** What every rule sees beside its names: how many outputs the node has. */
interface Common {
  readonly outputCount: number;
}

/** Input K itself is certainly there when its own rule runs; other optional inputs may be absent. */
type Itself<I extends readonly string[], K extends string> = `...${K}` extends I[number]
  ? { readonly [P in K]: readonly Value[] }
  : { readonly [P in K]: Value };
type Result<I extends readonly string[], K extends string> = `...${K}` extends I[number]
  ? readonly (Value | undefined)[]
  : Value;
/** The gradient rule of input K: mathematics only. The driver sums back broadcasts, accumulates and prunes. */
export type Rule<I extends readonly string[], O extends readonly string[], A extends Attributes, K extends string> =
  ((at: Named<I> & Itself<I, K> & Read<A> & Named<O> & Grads<O> & Common) => Result<I, K>) | 'none';

/** What an upgrade may ask and make. */
export interface UpgradeContext {
  /** The type of a value, if it is known. */
  type(name: string): DataType | undefined;
  /** The known shape of a value, if any. */
  shape(name: string): readonly Dim[] | undefined;
  /** Adds a constant and returns its name. */
  constant(data: number | readonly number[], type?: ArrayType): string;
  /** A fresh value name. */
  fresh(hint: string): string;
  /** The integers inside a constant, if it is one. */
  integers(name: string): readonly number[] | undefined;
}
export type Upgrade = (node: Node, at: UpgradeContext) => Node | readonly Node[];

/** Everything about one operator. `shape`, `types`, `known` and `macs` see named inputs and attributes. */
export interface Spec<I extends readonly string[], O extends readonly string[], A extends Attributes> {
  readonly inputs: I;
  readonly outputs: O;
  readonly attributes: A;
  /** Shapes of the outputs by name; an array of shapes for a variadic output. */
  shape(at: Named<I> & Read<A> & Common): {
    readonly [K in Bare<O[number]>]?: readonly Dim[] | readonly (readonly Dim[])[];
  };
  /** Types of the outputs that differ from the type of the first input. */
  types?(at: Named<I> & Read<A> & Common): { readonly [K in Bare<O[number]>]?: DataType };
  /** The integers inside the first output, for shape arithmetic; undefined where they do not follow. */
  known?(at: Named<I> & Read<A> & Common): readonly Dim[] | undefined;
  /** Multiply-accumulates of one node; named dimensions count as 1. */
  macs?(at: Named<I> & Read<A> & { readonly [K in Bare<O[number]>]: Value }): number;
  /**
   * One rule per input; a forgotten one does not compile. `'none'` is no gradient, as whole numbers have; `undefined`
   * says that there would be one and that nobody can tell it: such an input is refused where it depends on parameters.
   */
  readonly gradient?: { readonly [K in Bare<I[number]>]: Rule<I, O, A, K> | undefined };
  /** Outputs that no gradient passes: statistics that training only keeps. */
  readonly detached?: readonly Bare<O[number]>[];
  /**
   * Optional outputs that the rules read (statistics, masks, indices): the driver has the node give them before it
   * walks back, so that nothing is computed twice.
   */
  keeps?(at: Named<I> & Read<A> & Common): readonly Bare<O[number]>[];
  /** The same in simpler operators: one value per output. */
  lower?(at: Named<I> & Read<A> & Common): Value | readonly Value[];
  /** From the version before to this one; run by passes/upgrade. */
  readonly upgrades?: Readonly<Record<number, Upgrade>>;
}

/** An operator of whatever signature, as tables hold it. */
export interface AnyOperator {
  readonly operatorName: string;
  readonly domain: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the table forgets the signature
  readonly spec: Spec<any, any, any>;
}

/** What a call takes: values; a number or numbers become a constant beside their neighbours. */
export type Input = Value | number | readonly number[] | undefined;

/** Calling an operator emits a node and returns its first output; `all(count, …)` returns as many as asked. */
export interface Operator<A extends Attributes> extends AnyOperator {
  /** What it declares of its attributes. */
  readonly attributes: A;
  (...args: readonly [...Input[]] | readonly [...Input[], Partial<Read<A>>]): Value;
  all(count: number, ...args: readonly [...Input[]] | readonly [...Input[], Partial<Read<A>>]): Value[];
}

/** Declares an operator. */
export function operator<const I extends readonly string[], const O extends readonly string[], A extends Attributes>(
  name: string,
  spec: Spec<I, O, A>,
  domain = '',
): Operator<A> {
  const all = (count: number, ...args: readonly unknown[]): Value[] => {
    const last = args.at(-1);
    const isOptions = typeof last === 'object' && !(last instanceof Value) && !Array.isArray(last);
    const given = (isOptions ? last : {}) as Record<string, unknown>;
    const list = (isOptions ? args.slice(0, -1) : args) as Input[];
    const first = list.find(value => value instanceof Value);
    if (!first) throw errors.NO_VALUE({ operator: name });
    // A number stands beside its neighbours; a condition is none.
    const like = list.find(value => value instanceof Value && value.type !== 'bool') as Value | undefined;
    const inputs = list.map(input => toValue(first.builder, like?.type ?? 'float32', input));
    const attributes = new Map<string, Attribute>();
    for (const [key, value] of Object.entries(given)) {
      const declared = spec.attributes[key];
      if (value !== undefined && declared) attributes.set(key, { kind: declared.kind, value } as Attribute);
    }
    const outputs = inferOutputs(made, inputs, attributes, count);
    return first.builder.append({ op: name, domain, inputs, attributes, outputs });
  };
  const call = (...args: readonly unknown[]): Value => all(1, ...args)[0]!;
  const made: Operator<A> = Object.assign(call, { operatorName: name, domain, spec, attributes: spec.attributes, all });
  return made;
}

function toValue(builder: Builder, type: DataType, input: Input): Value | undefined {
  if (input === undefined || input instanceof Value) return input;
  if (typeof input === 'number') return builder.constant(input, type as ArrayType);
  return builder.constant(input);
}

/** What a rule is called with: inputs, attributes (defaults filled in), outputs and output gradients, by name. */
export type Bound = Record<string, unknown> & Common;

/** The attributes of a node as its operator declares them, defaults filled in. */
export function attributesOf<A extends Attributes>(
  { attributes: declaredOf }: { readonly attributes: A },
  attributes: ReadonlyMap<string, Attribute>,
): Read<A> {
  const read: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(declaredOf)) {
    const given = attributes.get(key);
    read[key] = given === undefined ? declared.default : given.value;
  }
  return read as Read<A>;
}

/** Binds the inputs and attributes of a node to the names of its operator. */
export function bind(
  { operatorName, spec }: AnyOperator,
  inputs: readonly (Value | undefined)[],
  attributes: ReadonlyMap<string, Attribute>,
  outputCount: number,
): Bound {
  const bound: Bound = { ...attributesOf<Attributes>(spec, attributes), outputCount };
  (spec.inputs as readonly string[]).forEach((declared, i) => {
    if (declared.startsWith('...')) bound[declared.slice(3)] = inputs.slice(i);
    else if (declared.endsWith('?')) bound[declared.slice(0, -1)] = inputs[i];
    else if (inputs[i]) bound[declared] = inputs[i];
    else throw errors.INPUT_MISSING({ operator: operatorName, input: declared });
  });
  return bound;
}

/** Adds outputs, or their gradients under `d…`, to what a rule sees. */
export function bindOutputs(
  bound: Bound,
  { spec }: AnyOperator,
  values: readonly (Value | undefined)[],
  prefix = '',
): Bound {
  (spec.outputs as readonly string[]).forEach((declared, i) => {
    bound[prefix + bare(declared)] = declared.startsWith('...') ? values.slice(i) : values[i];
  });
  return bound;
}

/** `'X?'` and `'...X'` without their marks. */
export const bare = (declared: string): string => declared.replace(/\?$/, '').replace(/^\.\.\./, '');

/** Types, shapes and known contents of a node's outputs. Throws OPERATOR_SHAPE where the rule finds the inputs wrong. */
export function inferOutputs(
  of: AnyOperator,
  inputs: readonly (Value | undefined)[],
  attributes: ReadonlyMap<string, Attribute>,
  count: number,
): OutputType[] {
  const bound = bind(of, inputs, attributes, count);
  const { spec } = of;
  const shapes = spec.shape(bound as never) as Record<string, readonly unknown[] | undefined>;
  const types = (spec.types?.(bound as never) ?? {}) as Record<string, DataType>;
  const ordinary = inputs.find(Boolean)?.type ?? 'float32';
  const known = spec.known?.(bound as never);
  const outputs: OutputType[] = [];
  for (const declared of spec.outputs as readonly string[]) {
    const name = bare(declared);
    const variadic = declared.startsWith('...');
    const list = variadic ? (shapes[name] as readonly (readonly Dim[])[]) : [shapes[name] as readonly Dim[]];
    for (const shape of list)
      if (outputs.length < count)
        outputs.push({
          type: types[name] ?? ordinary,
          shape: (shape ?? []).map(finite),
          ...(outputs.length === 0 && known ? { known: known.map(dim => (Number.isNaN(dim) ? '' : dim)) } : {}),
        });
  }
  return outputs;
}

/** Infinite bounds mean "to the end"; no dimension is infinite. */
const finite = (dim: Dim): Dim => (typeof dim === 'number' && !Number.isSafeInteger(dim) ? '' : dim);

/** Multiply-accumulates per picture of one node, from what is known of its inputs and outputs. */
export function macsOf(
  of: AnyOperator,
  inputs: readonly (Value | undefined)[],
  attributes: ReadonlyMap<string, Attribute>,
  outputs: readonly OutputType[],
): number | undefined {
  const { spec } = of;
  if (!spec.macs) return undefined;
  const bound = bind(of, inputs, attributes, outputs.length);
  (spec.outputs as readonly string[]).forEach((declared, i) => {
    bound[bare(declared)] = declared.startsWith('...') ? outputs.slice(i) : outputs[i];
  });
  return spec.macs(bound as never);
}

/** A set of operators by domain and name. `with` makes a larger one; a name taken twice is an error. */
export class OperatorSet {
  readonly #table: ReadonlyMap<string, AnyOperator>;
  constructor(operators: Iterable<AnyOperator>) {
    const table = new Map<string, AnyOperator>();
    for (const one of operators) {
      const key = keyOf(one.domain, one.operatorName);
      if (table.has(key)) throw errors.NAME_TAKEN({ operator: one.operatorName, domain: one.domain });
      table.set(key, one);
    }
    this.#table = table;
  }

  /** This set and more operators, as a new set. */
  with(...more: readonly AnyOperator[]): OperatorSet {
    return new OperatorSet([...this.#table.values(), ...more]);
  }

  get(domain: string, name: string): AnyOperator | undefined {
    return this.#table.get(keyOf(domain, name));
  }

  [Symbol.iterator](): IterableIterator<AnyOperator> {
    return this.#table.values();
  }
}
const keyOf = (domain: string, name: string) => `${domain}\u0000${name}`;
