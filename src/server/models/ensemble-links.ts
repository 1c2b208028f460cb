// Which served model is a member of which ensemble: as they are loaded, and, where they are not, as they lie on disk.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../errors.js';
import type { VersionPolicy } from '../options.js';
import type { EnsembleModel } from './ensemble-model.js';
import { leavesOf, readEnsembleRecipe, type EnsembleRecipe, type LeafNode } from './ensemble-recipe.js';
import type { Instance } from './instance.js';
import { bestOf, loadedIn, type ModelEntry } from './model-entry.js';
import { chosenVersions } from './version-policy.js';

/** Links between the models of a repository. */
export class EnsembleLinks {
  readonly #entries: ReadonlyMap<string, ModelEntry>;
  readonly #policy: VersionPolicy;
  readonly #ensembles = new WeakMap<Instance, EnsembleModel>();

  constructor(entries: ReadonlyMap<string, ModelEntry>, policy: VersionPolicy) {
    this.#entries = entries;
    this.#policy = policy;
  }

  /** Notes what a loaded version is. */
  add(instance: Instance, ensemble: EnsembleModel): void {
    this.#ensembles.set(instance, ensemble);
  }

  memberAt({ model, version }: LeafNode): Instance | undefined {
    const entry = this.#entries.get(model);
    if (!entry) return undefined;
    return version === undefined ? bestOf(entry) : entry.slots.get(version)?.instance;
  }

  /** Models that an ensemble asks: as it is loaded, or else as it lies on disk. */
  async membersOf(entry: ModelEntry): Promise<ReadonlySet<string>> {
    const loaded = loadedIn(entry).flatMap(([, instance]) => this.#ensembles.get(instance)?.memberNames ?? []);
    if (loaded.length > 0) return new Set(loaded);
    const names = new Set<string>();
    for (const { kind, path } of chosenVersions(entry.found, this.#policy))
      if (kind === 'ensemble') {
        const recipe = await recipeAt(path).catch(() => undefined);
        for (const { leaf } of recipe ? leavesOf(recipe.root) : []) names.add(leaf.model);
      }
    return names;
  }

  async checkNotCircular(name: string, { root }: EnsembleRecipe): Promise<void> {
    for (const { leaf } of leavesOf(root)) {
      const seen = new Set<string>();
      const rest = [leaf.model];
      for (let at = rest.pop(); at !== undefined; at = rest.pop()) {
        if (at === name) throw errors.MODEL_INVALID({ reason: `member ${leaf.model}: it is made of ${name} itself` });
        if (seen.has(at)) continue;
        seen.add(at);
        const entry = this.#entries.get(at);
        if (entry) rest.push(...(await this.membersOf(entry)));
      }
    }
  }

  /** Loaded ensembles that ask a model. */
  dependentsOf(name: string): ModelEntry[] {
    const asks = (instance: Instance) => this.#ensembles.get(instance)?.memberNames.includes(name) === true;
    return [...this.#entries.values()].filter(entry => loadedIn(entry).some(([, instance]) => asks(instance)));
  }

  /** Ensembles look whether a model that changed still fits. */
  recheck(name: string): void {
    for (const entry of this.dependentsOf(name)) {
      for (const [, instance] of loadedIn(entry)) this.#ensembles.get(instance)?.recheck();
      this.recheck(entry.name);
    }
  }
}

const largestRecipe = 1024 * 1024;

/** @throws MODEL_INVALID; the system's error where it cannot be read */
export async function recipeAt(folder: string, weights?: readonly number[]): Promise<EnsembleRecipe> {
  const bytes = await readFile(join(folder, 'ensemble.json'));
  if (bytes.length > largestRecipe) throw errors.MODEL_INVALID({ reason: 'ensemble.json is larger than 1 MiB' });
  return readEnsembleRecipe(bytes.toString('utf8'), weights);
}
