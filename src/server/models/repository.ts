// All models of a server: those given by path, and those of a folder `<name>/<version>/`. Each is loaded, loaded anew and
// unloaded one thing after another (lane.ts), different models side by side. What answers goes on until what replaces it
// does, and stays where that fails.

import { join } from 'node:path';
import { printable } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { NamedPath, VersionPolicy } from '../options.js';
import type { Log, ModelRepository, ServedModel, Telemetry } from '../served.js';
import { changesOf } from './changes.js';
import { EnsembleLinks, recipeAt } from './ensemble-links.js';
import { openEnsemble, type EnsembleModel } from './ensemble-model.js';
import type { LeafNode } from './ensemble-recipe.js';
import { isName, modelsIn, versionsIn } from './folder.js';
import { Instance } from './instance.js';
import { readLoadConfig, toldSettings, type BatchSettings, type LoadConfig } from './load-config.js';
import { answering, bestOf, indexOf, isThere, loadedIn, newEntry, slotOf, type ModelEntry } from './model-entry.js';
import type { FoundVersion, OpenedModel, OpenVersion } from './opened-model.js';
import { bounded, opening } from './opening.js';
import { reasonOf, toldError } from './told-error.js';
import { chosenVersions } from './version-policy.js';
import { watchFolder, type Watch } from './watch.js';

export interface RepositoryOptions {
  /** Given by path: bundles, runs, networks; each is version 1. */
  readonly models?: readonly NamedPath[];
  /** A model repository. */
  readonly folder?: string;
  /** Which versions of the repository answer. */
  readonly policy: VersionPolicy;
  /** What is loaded at start. */
  readonly load: 'all' | readonly string[];
  /** Whether changes of the repository are taken up as they come. */
  readonly isWatching: boolean;
  /** Milliseconds between looks at the repository. */
  readonly pollMs: number;
  readonly limits: Limits;
  /** Most rows of a run. */
  readonly maxBatch: number;
  /** Milliseconds. */
  readonly batchDelay: number;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly open: OpenVersion;
}

/** A repository that has begun to load. */
export interface OpenedRepository extends ModelRepository {
  /** Ends when everything that is loaded at start has been loaded or has failed. */
  readonly started: Promise<void>;
}

/** Models that are opened side by side. */
const atOnce = 2;

/**
 * Reads what there is, and begins to load it.
 *
 * @throws MODEL_INVALID where the folder cannot be read
 */
export async function openRepository(options: RepositoryOptions): Promise<OpenedRepository> {
  const repository = new Repository(options);
  await repository.begin();
  return repository;
}

class Repository implements OpenedRepository {
  started: Promise<void> = Promise.resolve();
  readonly #options: RepositoryOptions;
  readonly #entries = new Map<string, ModelEntry>();
  readonly #links: EnsembleLinks;
  readonly #ending = new AbortController();
  readonly #oneOfFew = bounded(atOnce);
  #watch: Watch | undefined;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#links = new EnsembleLinks(this.#entries, options.policy);
  }

  async begin(): Promise<void> {
    const { models = [], folder, load, isWatching, pollMs, log } = this.#options;
    for (const { name, path } of models) {
      const entry = newEntry(name, path);
      entry.found = [{ version: '1', path, kind: 'network', mark: '', whole: '' }];
      this.#entries.set(name, entry);
    }
    try {
      await this.#scan();
    } catch (error) {
      throw toldError(error, folder ?? '');
    }
    const wanted = load === 'all' ? [...this.#entries.values()] : load.map(name => this.#entry(name));
    this.started = this.#loadAll(wanted);
    if (!isWatching || folder === undefined) return;
    const failed = (error: unknown): void => {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'the repository could not be read');
    };
    this.#watch = watchFolder(folder, { pollMs, look: () => this.#look(folder), failed });
  }

  find(name: string, version?: string): ServedModel {
    const entry = this.#entries.get(name);
    if (!entry || !isThere(entry)) throw unknownModel(name);
    return answering(entry, version);
  }

  versionsOf(name: string): readonly string[] {
    const entry = this.#entries.get(name);
    return entry ? loadedIn(entry).map(([version]) => version) : [];
  }

  isKnown(name: string): boolean {
    const entry = this.#entries.get(name);
    return entry !== undefined && isThere(entry);
  }

  loaded(): readonly Instance[] {
    return this.#sorted().flatMap(entry => loadedIn(entry).map(([, instance]) => instance));
  }

  notReady(): readonly string[] {
    const isReady = (entry: ModelEntry) => bestOf(entry)?.state.isReady === true;
    return this.#sorted().flatMap(entry => (entry.isWanted && !isReady(entry) ? [entry.name] : []));
  }

  index() {
    // what has come since stands in the next one
    if (!this.#watch && !this.#ending.signal.aborted) void this.#scan().catch(() => undefined);
    return this.#sorted().filter(isThere).flatMap(indexOf);
  }

  async load(name: string, config: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (!isName(name)) throw errors.BAD_NAME({ reason: 'this is no name of a model' });
    const read = readLoadConfig(config);
    const entry = this.#entry(name);
    await entry.lane.run(`load ${JSON.stringify(config)}`, () => this.#loadNow(entry, read));
  }

  async unload(name: string, withDependents = false): Promise<void> {
    if (!isName(name)) throw errors.BAD_NAME({ reason: 'this is no name of a model' });
    const entry = this.#entry(name);
    await entry.lane.run(`unload ${withDependents}`, () => this.#unloadNow(entry, withDependents));
  }

  pathOf(model: ServedModel): string | undefined {
    return model instanceof Instance ? model.path : undefined;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#watch?.close();
    await Promise.all([this.started, ...this.loaded().map(instance => instance.end())]);
    // what was being replaced
    const slots = [...this.#entries.values()].flatMap(entry => [...entry.slots.values()]);
    await Promise.all(slots.flatMap(({ replaced }) => (replaced ? [replaced.end()] : [])));
  }

  #sorted(): ModelEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #entry(name: string): ModelEntry {
    const held = this.#entries.get(name) ?? newEntry(name);
    this.#entries.set(name, held);
    return held;
  }

  /** Forgets names of which nothing is left. */
  #tidy(): void {
    for (const [name, entry] of this.#entries) if (!isThere(entry) && !entry.lane.isBusy) this.#entries.delete(name);
  }

  /** What of the repository lies on disk, by name. */
  async #onDisk(folder: string): Promise<Map<string, FoundVersion[]>> {
    const own = [...this.#entries.values()].filter(({ path }) => path === undefined).map(({ name }) => name);
    const names = new Set([...(await modelsIn(folder)), ...own]);
    const found = new Map<string, FoundVersion[]>();
    for (const name of names)
      if (this.#entries.get(name)?.path === undefined) found.set(name, await versionsIn(folder, name));
    return found;
  }

  async #scan(): Promise<void> {
    const { folder } = this.#options;
    if (folder === undefined) return;
    for (const [name, found] of await this.#onDisk(folder)) this.#entry(name).found = found;
    this.#tidy();
  }

  /** At start: ensembles come after their members. */
  async #loadAll(entries: readonly ModelEntry[]): Promise<void> {
    for (const entry of entries) entry.isWanted = true;
    const isEnsemble = ({ found }: ModelEntry) => chosenVersions(found, this.#options.policy).some(({ kind }) => kind === 'ensemble'); // prettier-ignore
    const start = (entry: ModelEntry) => this.load(entry.name).catch(() => undefined); // told in the index and the log
    await Promise.all(entries.filter(entry => !isEnsemble(entry)).map(start));
    const rest = new Set(entries.filter(isEnsemble));
    while (rest.size > 0) {
      const needs = await Promise.all(
        [...rest].map(async entry => [entry, await this.#links.membersOf(entry)] as const),
      );
      const isFree = ([, members]: (typeof needs)[number]) => ![...rest].some(({ name }) => members.has(name));
      const next = needs.some(isFree) ? needs.filter(isFree) : needs;
      for (const [entry] of next) {
        rest.delete(entry);
        await start(entry);
      }
    }
  }

  async #loadNow(entry: ModelEntry, config: LoadConfig): Promise<void> {
    const { name, path } = entry;
    const { folder, policy } = this.#options;
    if (path === undefined) entry.found = folder === undefined ? [] : await versionsIn(folder, name);
    try {
      if (entry.found.length === 0) throw unknownModel(name);
      const chosen = path === undefined ? chosenVersions(entry.found, policy) : entry.found;
      if (chosen.length === 0) throw errors.VERSION_NOT_FOUND({ reason: `model ${name} has none of the versions that are to answer` }); // prettier-ignore
      entry.config = config;
      await this.#bring(entry, chosen);
      entry.isWanted = true;
      entry.isHeldBack = false;
    } finally {
      // the lane is this work's until it ends
      setImmediate(() => {
        this.#tidy();
      });
    }
  }

  /**
   * Opens versions, and lets go of all others when these answer.
   *
   * @throws what the first that failed was refused for
   */
  async #bring(entry: ModelEntry, chosen: readonly FoundVersion[], toOpen = chosen): Promise<void> {
    const failures: unknown[] = [];
    for (const found of toOpen) await this.#open(entry, found).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
    if (!chosen.every(({ version }) => entry.slots.get(version)?.instance)) return;
    const isChosen = (version: string) => chosen.some(one => one.version === version);
    const others = loadedIn(entry).filter(([version]) => !isChosen(version));
    // not waited for: what replaces them answers
    for (const [version] of others) void this.#letGo(entry, version);
  }

  async #open(entry: ModelEntry, found: FoundVersion): Promise<void> {
    const { log, telemetry } = this.#options;
    const { name } = entry;
    // two of a version at once, never more
    await entry.slots.get(found.version)?.retiring;
    const slot = slotOf(entry, found.version);
    if (!slot.instance) Object.assign(slot, { state: 'LOADING', reason: '' });
    const start = performance.now();
    try {
      if (found.fault !== undefined) throw errors.MODEL_INVALID({ reason: found.fault });
      const opened = await this.#opened(entry, found);
      const next = new Instance(opened.model, found.path);
      if (opened.ensemble) this.#links.add(next, opened.ensemble);
      const old = slot.instance;
      Object.assign(slot, { instance: next, state: 'READY', reason: '', mark: found.mark, failedMark: undefined });
      if (old) slot.retiring = this.#replace(slot, old, next);
      const seconds = (performance.now() - start) / 1000;
      telemetry.loaded(name, seconds);
      log.info({ model: name, version: found.version, seconds }, 'model loaded');
      // a member may have gone while it was opened
      opened.ensemble?.recheck();
      this.#links.recheck(name);
    } catch (error) {
      const told = toldError(error, found.path);
      const reason = slot.instance ? `reload failed: ${reasonOf(told)}` : reasonOf(told);
      Object.assign(slot, { state: slot.instance ? 'READY' : 'UNAVAILABLE', reason, failedMark: found.whole });
      telemetry.loadFailed(name, told.code);
      const cause = error instanceof Error ? error.message : String(error);
      log.warn({ model: name, version: found.version, code: told.code, reason: cause }, 'model not loaded');
      throw told;
    }
  }

  async #replace(slot: { replaced?: Instance | undefined }, old: Instance, next: Instance): Promise<void> {
    slot.replaced = old;
    await this.#quietly(old.retire(next));
    slot.replaced = undefined;
  }

  async #opened(
    entry: ModelEntry,
    { version, path, kind }: FoundVersion,
  ): Promise<{ model: OpenedModel; ensemble?: EnsembleModel }> {
    const { limits, maxBatch, batchDelay, open, telemetry } = this.#options;
    const { name, config: { settings: overridden, weights } } = entry; // prettier-ignore
    if (kind === 'ensemble') {
      const recipe = await recipeAt(path, weights);
      await this.#links.checkNotCircular(name, recipe);
      this.#ending.signal.throwIfAborted();
      const member = (leaf: LeafNode) => this.#links.memberAt(leaf);
      const ensemble = openEnsemble({ name, version, recipe, maxBatch: overridden.maxBatch, config: {}, member, telemetry }); // prettier-ignore
      return { model: ensemble, ensemble };
    }
    if (weights)
      throw errors.BAD_PARAMETER({ reason: `config.weights: model ${name} is no ensemble of served models` });
    const settings: BatchSettings = { maxBatch, batchDelay, queue: limits.queue, runTime: limits.runTime, ...overridden }; // prettier-ignore
    const asked = { name, version, path, settings, config: toldSettings(settings) };
    const { signal: ending } = this.#ending;
    const model = await this.#oneOfFew(() => opening(signal => open({ ...asked, signal }), limits.loadTime, ending));
    return { model };
  }

  async #unloadNow(entry: ModelEntry, withDependents: boolean): Promise<void> {
    const { name } = entry;
    setImmediate(() => {
      this.#tidy();
    });
    if (loadedIn(entry).length === 0 && !entry.isWanted) throw errors.MODEL_NOT_FOUND({ reason: `model ${name} is not loaded` }); // prettier-ignore
    for (let users = this.#links.dependentsOf(name); users.length > 0; users = this.#links.dependentsOf(name)) {
      const names = users.map(user => user.name).join(', ');
      if (!withDependents) throw errors.IN_USE({ reason: `model ${name} is a member of ${names}` });
      await Promise.all(users.map(user => this.unload(user.name, true)));
    }
    entry.isWanted = false;
    entry.isHeldBack = true;
    for (const slot of entry.slots.values()) if (!slot.instance) Object.assign(slot, { state: 'UNAVAILABLE', reason: 'unloaded' }); // prettier-ignore
    await Promise.all(loadedIn(entry).map(([version]) => this.#letGo(entry, version)));
  }

  /** Takes a version from those that answer, and ends it after its last run. */
  async #letGo(entry: ModelEntry, version: string): Promise<void> {
    const slot = slotOf(entry, version);
    const { instance } = slot;
    if (!instance) return;
    Object.assign(slot, { instance: undefined, mark: undefined, state: 'UNLOADING', reason: '', replaced: instance });
    this.#links.recheck(entry.name);
    slot.retiring = this.#quietly(Promise.all([slot.retiring, instance.retire()]));
    await slot.retiring;
    if (slot.replaced === instance) slot.replaced = undefined;
    this.#options.log.info({ model: entry.name, version }, 'model unloaded');
    if (slot.state !== 'UNLOADING') return;
    Object.assign(slot, { state: 'UNAVAILABLE', reason: 'unloaded' });
    if (!entry.found.some(found => found.version === version)) entry.slots.delete(version);
    this.#tidy();
  }

  /** What fails at an end is for the log only. */
  async #quietly(end: Promise<unknown>): Promise<void> {
    await end.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ reason }, 'a model did not end well');
    });
  }

  /** Takes up what changed on disk. */
  async #look(folder: string): Promise<{ folders: string[]; again: boolean }> {
    const all = await this.#onDisk(folder);
    let again = false;
    for (const [name, found] of all) {
      const entry = this.#entry(name);
      const before = entry.found;
      if (entry.lane.isBusy || this.#ending.signal.aborted) {
        again = true;
        continue;
      }
      entry.found = found;
      const { load } = this.#options;
      const isOurs = entry.isWanted || load === 'all' || load.includes(name);
      if (isOurs && !entry.isHeldBack) again = this.#follow(entry, before) || again;
    }
    this.#tidy();
    const folders = [...all].flatMap(([name, found]) => [name, ...found.map(({ version }) => join(name, version))]);
    return { folders, again };
  }

  /** Begins what the disk asks for; whether another look is needed. */
  #follow(entry: ModelEntry, before: readonly FoundVersion[]): boolean {
    const { chosen, toOpen, gone, isNews, again } = changesOf(entry, before, this.#options.policy);
    if (isNews) entry.lane.run('follow', () => this.#followNow(entry, chosen, toOpen, gone)).catch(() => undefined); // told already
    return again;
  }

  async #followNow(
    entry: ModelEntry,
    chosen: readonly FoundVersion[],
    toOpen: readonly FoundVersion[],
    gone: readonly string[],
  ): Promise<void> {
    try {
      if (chosen.length > 0) await this.#bring(entry, chosen, toOpen);
    } finally {
      if (loadedIn(entry).length > 0) entry.isWanted = true;
      for (const version of gone) {
        if (entry.slots.get(version)?.instance) void this.#letGo(entry, version);
        else entry.slots.delete(version);
      }
      if (entry.found.length === 0) entry.isWanted = false;
    }
  }
}

const unknownModel = (name: string) => errors.MODEL_NOT_FOUND({ reason: `there is no model ${printable(name)}` });
