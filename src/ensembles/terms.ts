// Members as terms: every value of every member by what it is computed from, so that two members share whatever they
// compute alike, whatever the names. A term is the pictures of a frame, a weight by its contents, or an output of an
// operator over terms. Identity, Dropout and Constant are seen through; inputs of sums and products have no order.

import type { DataType } from '../base/index.js';
import {
  feedsOf,
  houseOpset,
  namesRead,
  sliceOf,
  subgraphsOf,
  type Attribute,
  type Dim,
  type Initializer,
  type Model,
  type Node,
} from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { constantOf, inlineFunctions, upgradeTo } from '../passes/index.js';
import { digestOf, isSameTensor, tensorDigest } from './content.js';
import { errors } from './errors.js';
import type { Affine } from './linear-terms.js';

/** What a member sees of the input: `cropWidth` × `cropHeight` pixels of its middle, as width × height. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly cropWidth: number;
  readonly cropHeight: number;
}

/** An operator over terms. */
export interface Step {
  /** Grows along the order of computation. */
  readonly order: number;
  readonly node: Node;
  readonly inputs: readonly (Term | undefined)[];
  /** What bodies of the node read from outside, by the names they use. */
  readonly captured: ReadonlyMap<string, Term>;
  readonly outputs: readonly (Term | undefined)[];
  /** Multiply-accumulates per picture. */
  readonly macs: number;
}

/** One value. */
export interface Term {
  readonly order: number;
  /** The same for the same computation, in every call. */
  readonly digest: string;
  readonly name: string;
  readonly type: DataType | undefined;
  /** With the batch by name. */
  readonly shape: readonly Dim[] | undefined;
  readonly source:
    | { readonly kind: 'pictures'; readonly frame: Frame }
    | { readonly kind: 'weight'; readonly data: Initializer }
    | { readonly kind: 'step'; readonly step: Step; readonly index: number }
    | { readonly kind: 'affine'; readonly affine: Affine };
  /** Whether pictures have a say in it. */
  readonly varies: boolean;
}

/** A member as terms. */
export interface MemberTerms {
  readonly logits: Term;
  /** What its head reads [N, F], where its metadata `features` names it. */
  readonly features?: Term;
  readonly frame: Frame;
}

/** The batch of members inside terms. */
const commutative = new Set(['Add', 'Mul', 'Sum', 'Mean', 'Max', 'Min', 'And', 'Or', 'Xor', 'Equal']);
const random = new Set(['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Bernoulli', 'Multinomial', 'Dropout']); // prettier-ignore

/** Every term of some members, each once. */
export class Terms {
  #order = 0;
  readonly #byKey = new Map<string, Term | Step>();
  readonly #weights = new Map<string, Term[]>();
  readonly #members = new Map<Model, Map<string, MemberTerms>>();
  readonly #identities = new WeakMap<object, number>();
  #identity = 0;
  readonly opsets = new Map<string, number>();

  /** The terms of a member that sees the middle of an input of this size. */
  member(
    name: string,
    model: Model,
    input: { readonly width: number; readonly height: number },
    crop = 1,
  ): MemberTerms {
    const frame = frameOf(name, model, input, crop);
    const found = this.#members.get(model) ?? new Map<string, MemberTerms>();
    this.#members.set(model, found);
    const key = frameKey(frame);
    let terms = found.get(key);
    if (!terms) found.set(key, (terms = this.#read(name, model, frame)));
    return terms;
  }

  /** A term that is a linear function of another, not read from a member. */
  affine(affine: Affine, name: string): Term {
    const shape = [affine.of.shape![0]!, affine.bias.length];
    return {
      order: this.#order++,
      digest: '',
      name,
      type: 'float32',
      shape,
      source: { kind: 'affine', affine },
      varies: true,
    };
  }

  #read(name: string, given: Model, frame: Frame): MemberTerms {
    const model = inlineFunctions(upgradeTo(houseOpset)(given));
    const { graph } = model;
    for (const [domain, version] of model.opsets)
      this.opsets.set(domain, Math.max(version, this.opsets.get(domain) ?? 0));
    const { facts, macs } = inferShapes(graph, coreOperators, { opset: houseOpset });
    const values = new Map<string, Term>();
    const [input] = feedsOf(graph);
    values.set(input!.name, this.#pictures(frame, input!.shape![0]!));
    const term = (of: string): Term | undefined => {
      if (!of) return undefined;
      const held = graph.initializers.get(of);
      if (!values.has(of) && held) values.set(of, this.#weight(of, held));
      return values.get(of);
    };
    const features = model.metadata.get('features');
    const isMade = (of: string) => facts.has(of) && graph.nodes.some(({ outputs }) => outputs.includes(of));
    const targets = ['logits', ...(features !== undefined && isMade(features) ? [features] : [])];
    for (const node of sliceOf(graph, targets).nodes) {
      const held = constantOf(node);
      if (held) values.set(node.outputs[0]!, this.#weight(node.outputs[0]!, held));
      else if (passesOn(node, of => term(of))) values.set(node.outputs[0]!, term(node.inputs[0]!)!);
      else {
        const step = this.#step(node, term, facts, macs.get(node) ?? 0);
        node.outputs.forEach((output, i) => {
          const made = step.outputs[i];
          if (output && made) values.set(output, made);
        });
      }
    }
    const logits = values.get('logits');
    if (logits?.shape?.length !== 2)
      throw errors.MEMBER_UNFIT({ member: name, reason: 'it has no logits [N, classes]' });
    const flat = features === undefined ? undefined : values.get(features);
    return { logits, frame, ...(flat ? { features: flat } : {}) };
  }

  #pictures(frame: Frame, batch: Dim): Term {
    const key = `pictures ${frameKey(frame)}`;
    let term = this.#byKey.get(key) as Term | undefined;
    if (!term) {
      const shape = [batch, frame.height, frame.width, 3];
      term = { order: this.#order++, digest: digestOf(key), name: 'frame', type: 'uint8', shape, source: { kind: 'pictures', frame }, varies: true }; // prettier-ignore
      this.#byKey.set(key, term);
    }
    return term;
  }

  #weight(name: string, data: Initializer): Term {
    const digest = tensorDigest(data);
    const alike = this.#weights.get(digest) ?? [];
    this.#weights.set(digest, alike);
    const found = alike.find(({ source }) => source.kind === 'weight' && isSameTensor(source.data, data));
    if (found) return found;
    const { extra: _, ...bare } = data;
    const source = { kind: 'weight', data: bare } as const;
    const made: Term = {
      order: this.#order++,
      digest,
      name,
      type: data.type,
      shape: data.shape,
      source,
      varies: false,
    };
    alike.push(made);
    return made;
  }

  #step(
    node: Node,
    term: (name: string) => Term | undefined,
    facts: ReturnType<typeof inferShapes>['facts'],
    macs: number,
  ): Step {
    const inputs = node.inputs.map(term);
    if (commutative.has(node.op) && node.domain === '') inputs.sort((a, b) => (a?.order ?? -1) - (b?.order ?? -1));
    const bodies = subgraphsOf(node);
    const own = new Set(node.inputs);
    const captured = new Map<string, Term>();
    if (bodies.length > 0) for (const name of namesRead(node)) if (!own.has(name)) captured.set(name, term(name)!);
    const attributes = this.#attributes(node);
    const special = random.has(node.op) ? `only ${this.#identityOf(node)}` : '';
    const made = node.outputs.map(name => (name ? 1 : 0)).join('');
    const keyWith = (of: (term: Term) => string | number) =>
      [
        node.domain,
        node.op,
        made,
        special,
        attributes,
        inputs.map(input => (input ? of(input) : '')).join(' '),
        [...captured].map(([name, one]) => `${name}=${of(one)}`).join(' '),
      ].join('\u0000');
    const key = keyWith(({ order }) => order);
    const found = this.#byKey.get(key);
    if (found) return found as Step;
    const digest = digestOf(keyWith(one => one.digest));
    const varies = [...inputs, ...captured.values()].some(one => one?.varies);
    const order = this.#order++;
    const outputs: (Term | undefined)[] = [];
    const step: Step = { order, node, inputs, captured, outputs, macs };
    node.outputs.forEach((name, index) => {
      const { type, shape } = facts.get(name) ?? {};
      const source = { kind: 'step', step, index } as const;
      outputs.push(
        name ? { order: this.#order++, digest: `${digest}${index}`, name, type, shape, source, varies } : undefined,
      );
    });
    this.#byKey.set(key, step);
    return step;
  }

  /** Attributes as text, without those that say the default. */
  #attributes({ attributes, op, domain }: Node): string {
    const declared = coreOperators.get(domain, op)?.spec.attributes as
      Readonly<Record<string, { readonly default: unknown }>> | undefined;
    const said: string[] = [];
    for (const [name, attribute] of [...attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const usual = declared && Object.hasOwn(declared, name) ? declared[name]!.default : undefined;
      const isUsual = usual !== undefined && JSON.stringify(usual) === JSON.stringify(attribute.value);
      if (!isUsual) said.push(`${name}=${this.#attribute(attribute)}`);
    }
    return said.join('\u0001');
  }

  #attribute(attribute: Attribute): string {
    const { kind, value, raw } = attribute;
    if (!raw && (kind === 'int' || kind === 'float' || kind === 'ints' || kind === 'floats'))
      return `${kind} ${String(value)}`;
    if (!raw && (kind === 'string' || kind === 'strings')) return `${kind} ${JSON.stringify(value)}`;
    if (!raw && kind === 'tensor') return `tensor ${this.#weight('', value).order} ${tensorDigest(value)}`;
    return `only ${this.#identityOf(typeof value === 'object' ? value : attribute)}`;
  }

  #identityOf(of: object): number {
    let found = this.#identities.get(of);
    if (found === undefined) this.#identities.set(of, (found = this.#identity++));
    return found;
  }
}

const frameKey = ({ width, height, cropWidth, cropHeight }: Frame) => [width, height, cropWidth, cropHeight].join();

/** Whether a node gives its first input as it is. */
function passesOn({ op, domain, inputs, outputs }: Node, term: (name: string) => Term | undefined): boolean {
  if (domain !== '') return false;
  if (op === 'Identity') return true;
  if (op !== 'Dropout' || outputs.filter(Boolean).length > 1) return false;
  const training = inputs[2] ? term(inputs[2])?.source : undefined;
  return inputs[2] ? training?.kind === 'weight' && training.data.bytes[0] === 0 : true;
}

/** The frame of a member: its own size, and how much of the input that is. */
function frameOf(
  name: string,
  { graph }: Model,
  input: { readonly width: number; readonly height: number },
  crop: number,
): Frame {
  const feeds = feedsOf(graph);
  const unfit = (reason: string) => errors.MEMBER_UNFIT({ member: name, reason });
  const [pictures] = feeds;
  const [batch, height, width, channels] = pictures?.shape ?? [];
  const isPictures = feeds.length === 1 && pictures!.type === 'uint8' && pictures!.shape?.length === 4;
  if (
    !isPictures ||
    typeof batch !== 'string' ||
    typeof height !== 'number' ||
    typeof width !== 'number' ||
    channels !== 3
  )
    throw unfit('its one input must be pictures uint8 [N, height, width, 3]');
  if (!graph.outputs.some(output => output.name === 'logits')) throw unfit('it has no output logits');
  if (!(crop > 0 && crop <= 1)) throw unfit(`it sees ${crop} of the input's sides, wanted is above 0 to 1`);
  // what is cut away is the same on both sides
  const cut = (side: number) => Math.max(1, side - 2 * Math.round((side * (1 - crop)) / 2));
  const [cropWidth, cropHeight] = [cut(input.width), cut(input.height)];
  return { width, height, cropWidth, cropHeight };
}
