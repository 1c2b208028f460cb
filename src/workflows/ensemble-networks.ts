// The networks of a tree and what they say: all that are known beforehand are asked together, so that what they have in
// common is computed once; soups whose ingredients are chosen are averaged and asked as they are needed.

import { averageModels, greedySoup } from '../ensembles/index.js';
import { negativeLogLikelihood } from '../evaluation/index.js';
import type { Model } from '../graph/index.js';
import { checkPreprocessing, type Preprocessing } from '../pictures/index.js';
import { sha256 } from '../base/node.js';
import { commonFrame, type CommonFrame } from './common-frame.js';
import { rowsAt, truthAt, type Asked, type MeasuredLeaf } from './ensemble-answers.js';
import type { LeafNode } from './ensemble-leaves.js';
import type { MeasuredMember } from './member-logits.js';
import type { OpenedMember } from './members.js';
import type { RecipeNode } from './recipe-nodes.js';
import { statisticsIdentity, type Restate } from './training-sample.js';

/** Asks networks about the pictures; logits [pictures, classes] for each view. */
export type Ask = (members: readonly MeasuredMember[], preprocessing: Preprocessing) => Promise<Float32Array[][]>;

export interface NetworksOptions {
  readonly asked: Asked;
  readonly ask: Ask;
  /** Of views that are drawn. */
  readonly seed: number;
  /** Statistics of BatchNormalization of averaged weights, estimated anew. @default they are averages too */
  readonly restate?: Restate;
  readonly onWarning?: (text: string) => void;
}

/** What a leaf is made of. */
export interface Identity {
  readonly sha256: string;
  readonly networks: readonly OpenedMember[];
}

/** A network, and what it is by content. */
interface Mixed {
  readonly model: Model;
  readonly identity: string;
}

/** The networks of some trees. */
export interface Networks {
  readonly frame: CommonFrame['preprocessing'];
  /** By the names of leaves, of those that were measured. */
  readonly identities: ReadonlyMap<string, Identity>;
  measured(leaf: LeafNode, fit: readonly number[]): Promise<MeasuredLeaf>;
}

/** Prepares the networks of leaves and asks all that do not depend on a choice. */
export async function openNetworks(leaves: readonly LeafNode[], options: NetworksOptions): Promise<Networks> {
  const { asked, ask, seed, restate, onWarning } = options;
  const frame = commonFrame(
    leaves.map(({ networks: [first], views }) => ({
      name: first!.name,
      preprocessing: checkPreprocessing(first!.bundle.manifest.preprocessing),
      ...(views ? { views: views.words } : {}),
    })),
    seed,
  );
  const names = uniqueNames(leaves);
  const place = new Map(leaves.map((leaf, i) => [leaf, i]));
  const logits = new Map<string, Float32Array[]>();
  const identities = new Map<string, Identity>();

  const memberOf = (leaf: LeafNode, model: Model, identity: string, isBundle: boolean): MeasuredMember => {
    const i = place.get(leaf)!;
    const [first] = leaf.networks as [OpenedMember];
    const { width } = checkPreprocessing(first.bundle.manifest.preprocessing);
    // the pixels that the run saw, or others
    const isExact = Math.abs(frame.crops[i]! * frame.preprocessing.width - width) < 1e-6;
    return {
      name: names[i]!,
      model,
      sha256: identity,
      group: first.bundle.manifest.backbone.sha256,
      crop: frame.crops[i]!,
      views: frame.views[i]!,
      ...(isBundle && isExact && first.run !== undefined ? { run: first.run } : {}),
    };
  };
  const mixed = new Map<string, Promise<Mixed>>();
  /** The mean of networks, by the same networks once. */
  const mixOf = async (parts: readonly OpenedMember[], shares?: readonly number[]): Promise<Mixed> => {
    const [first] = parts as [OpenedMember];
    if (parts.length === 1) return { model: first.model, identity: first.sha256 };
    const ingredients = sha256(...parts.map(part => part.sha256), (shares ?? []).join());
    const made = mixed.get(ingredients) ?? averaged(ingredients, parts, shares);
    mixed.set(ingredients, made);
    return made;
  };
  const averaged = async (ingredients: string, parts: readonly OpenedMember[], shares?: readonly number[]) => {
    const { model, statistics } = averageModels(
      parts.map(part => part.model),
      { outputs: ['logits'], ...(shares ? { shares } : {}) },
    );
    const whole = statistics.length > 0 && restate ? await restate(model, parts[0]!, statistics) : model;
    return { model: whole, identity: sha256(ingredients, statisticsIdentity(whole)) };
  };
  /** Logits by the identity of the network; asked once. */
  const said = async (leaf: LeafNode, model: Model, identity: string, isBundle: boolean): Promise<Float32Array[]> => {
    const key = `${place.get(leaf)!} ${identity}`;
    const known = logits.get(key) ?? (await ask([memberOf(leaf, model, identity, isBundle)], frame.preprocessing))[0]!;
    logits.set(key, known);
    return known;
  };

  const fixed = new Map<LeafNode, Mixed & { readonly isBundle: boolean }>();
  for (const leaf of leaves) {
    if (leaf.weights === 'greedy') continue;
    const parts = leaf.networks;
    const isOne = parts.length === 1;
    fixed.set(leaf, {
      ...(await mixOf(parts, leaf.weights)),
      isBundle: isOne && parts[0]!.checkpoint === undefined && parts[0]!.sha256 === parts[0]!.bundle.sha256,
    });
  }
  const known = [...fixed];
  const answers = await ask(
    known.map(([leaf, at]) => memberOf(leaf, at.model, at.identity, at.isBundle)),
    frame.preprocessing,
  );
  known.forEach(([leaf, { identity }], i) => logits.set(`${place.get(leaf)!} ${identity}`, answers[i]!));

  const leafOf = (leaf: LeafNode, model: Model, recipe: RecipeNode, of: readonly Float32Array[]): MeasuredLeaf => {
    const i = place.get(leaf)!;
    return {
      name: names[i]!,
      recipe,
      fusion: { kind: 'member', name: names[i]!, model, crop: frame.crops[i]! },
      views: frame.views[i]!,
      logits: of,
    };
  };
  return {
    frame: frame.preprocessing,
    identities,
    async measured(leaf, fit) {
      const at = fixed.get(leaf);
      if (at) {
        const of = await said(leaf, at.model, at.identity, at.isBundle);
        identities.set(names[place.get(leaf)!]!, { sha256: at.identity, networks: leaf.networks });
        return leafOf(leaf, at.model, recipeOf(leaf.networks, leaf.weights), of);
      }
      const kitchen = {
        average: (parts: readonly (readonly OpenedMember[])[]) => parts.flat(),
        score: async (parts: readonly OpenedMember[]) => {
          const { model, identity } = await mixOf(parts);
          const [plain] = await said(leaf, model, identity, false);
          const K = asked.classes.length;
          return negativeLogLikelihood({
            logits: rowsAt(plain!, fit, K),
            classes: asked.classes,
            ...truthAt(asked, fit),
          });
        },
      };
      const soup = await greedySoup(
        leaf.networks.map(one => ({ name: one.name, weights: [one] as readonly OpenedMember[] })),
        kitchen,
      );
      if (soup.remark) onWarning?.(`the greedy soup: ${soup.remark}`);
      const { model, identity } = await mixOf(soup.weights);
      const of = await said(leaf, model, identity, false);
      identities.set(names[place.get(leaf)!]!, { sha256: identity, networks: soup.weights });
      return leafOf(leaf, model, recipeOf(soup.weights), of);
    },
  };
}

/** A leaf as a bundle tells it. */
function recipeOf(parts: readonly OpenedMember[], weights?: LeafNode['weights']): RecipeNode {
  const members = parts.map((part): RecipeNode => ({ op: 'member', member: part.name, sha256: part.sha256 }));
  if (members.length === 1) return members[0]!;
  return { op: 'soup', members, ...(typeof weights === 'object' ? { weights } : {}) };
}

/** Names of leaves, of which no two are the same. */
function uniqueNames(leaves: readonly LeafNode[]): string[] {
  const taken = new Map<string, number>();
  return leaves.map(({ networks, op }) => {
    const first = networks[0]!.name;
    const name = op === 'soup' && networks.length > 1 ? `soup of ${networks.length} from ${first}` : first;
    const times = (taken.get(name) ?? 0) + 1;
    taken.set(name, times);
    return times === 1 ? name : `${name} (${times})`;
  });
}
