/** The adapters of each model: versions with their verdicts, the one in force, rollback, withdrawal. Whole after any crash. */
import { link, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { AdapterVersion, Verdict } from '#protocol/adapters.ts';
import { ZellError } from '#protocol/errors.ts';
import { ioError, syncFolder, writeDurably } from '../../store/durable.ts';
import { scaledAdapter } from './ggufAdapter.ts';
import { NO_VERSIONS, readManifest, type Manifest } from './manifest.ts';
import { eventsRoot, isLost, learntFrom, ownFile, sha256, sortedSet } from './versionFacts.ts';

/** Promoted versions whose files are kept, for rollback. */
const KEPT_FILES = 5;
/** Entries of the manifest, files or not. */
const KEPT_ENTRIES = 100;

export interface Candidate {
  /** A complete GGUF file; stays where it is. */
  readonly file: string;
  /** Of the night that made it: the same run is stored once. */
  readonly run: string;
  readonly by: AdapterVersion['by'];
  /** Exchanges and cards that it was trained on in this night. */
  readonly events: readonly number[];
  readonly cards: readonly string[];
  /** Version that training went on from: what that one had learnt is in this one too. */
  readonly parent?: number;
  readonly recipe?: Readonly<Record<string, unknown>>;
}

/** What happened to an adapter, for the event log. */
export type AdapterEvent =
  | { readonly type: 'adapter.trained'; readonly version: number; readonly sha256: string; readonly run: string }
  | { readonly type: 'adapter.gated'; readonly version: number; readonly passed: boolean; readonly scale: number }
  | { readonly type: 'adapter.promoted'; readonly version: number; readonly sha256: string }
  | { readonly type: 'adapter.rolledback'; readonly from: number; readonly to: number | null }
  | { readonly type: 'adapter.withdrawn'; readonly versions: readonly number[]; readonly to: number | null };

export interface AdapterStoreOptions {
  /** `lora` in the Zell home. */
  readonly folder: string;
  readonly log: (model: string, event: AdapterEvent) => Promise<unknown>;
  /** Another file is in force for the model, or none. */
  readonly onChange?: (model: string) => void;
  /** A model's manifest cannot be read while what was forgotten is searched for in all of them. */
  readonly onProblem?: (model: string, error: unknown) => void;
  readonly now?: () => number;
}

export class AdapterStore {
  readonly #options: AdapterStoreOptions;
  /** Changes of all models, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AdapterStoreOptions) {
    this.#options = options;
  }

  /** Where the adapter in force lies, or would. */
  pointer(model: string): string {
    return path.join(this.#options.folder, `${checked(model)}_auto.lora`);
  }

  versionFile(model: string, version: number): string {
    return path.join(this.#folder(model), `${version}.lora`);
  }

  /** Of a version that is not judged yet. */
  candidateFile(model: string, version: number): string {
    return path.join(this.#folder(model), `${version}.candidate.lora`);
  }

  /** What a crash left half done is completed or removed first. */
  manifest(model: string): Promise<Manifest> {
    return this.#inTurn(() => this.#recovered(model));
  }

  /** The adapter that answers with this model: undefined when there is none. Its file was compared with its record. */
  async inForce(model: string): Promise<{ readonly path: string; readonly version?: AdapterVersion } | undefined> {
    const manifest = await this.manifest(model);
    const version = manifest.versions.find((v) => v.version === manifest.active);
    const file = this.pointer(model);
    const there = await stat(file).then(
      () => true,
      () => false,
    );
    if (!there) return undefined;
    return version === undefined ? { path: file } : { path: file, version };
  }

  /** Stores a trained adapter as the next version. @returns it, or the one that this run stored before */
  adopt(model: string, candidate: Candidate): Promise<AdapterVersion> {
    return this.#inTurn(async () => {
      const manifest = await this.#recovered(model);
      // What was withdrawn or damaged is gone: the same work makes it anew.
      const known = manifest.versions.find((v) => v.run === candidate.run && !isLost(v));
      if (known !== undefined) return known;
      const bytes = await readFile(candidate.file).catch((error: unknown) => {
        throw ioError(error, candidate.file);
      });
      const version = manifest.next;
      const parent = manifest.versions.find((v) => v.version === candidate.parent);
      const events = sortedSet([...candidate.events, ...(parent?.events ?? [])]);
      const entry: AdapterVersion = {
        version,
        sha256: sha256(bytes),
        bytes: bytes.length,
        createdAt: this.#now(),
        run: candidate.run,
        by: candidate.by,
        state: 'candidate',
        events,
        cards: [...new Set([...candidate.cards, ...(parent?.cards ?? [])])].toSorted(),
        eventsRoot: eventsRoot(events),
        ...(candidate.parent === undefined ? {} : { parent: candidate.parent }),
        ...(candidate.recipe === undefined ? {} : { recipe: candidate.recipe }),
      };
      await this.#prepare(model);
      await writeDurably(this.candidateFile(model, version), bytes);
      await this.#save(model, { ...manifest, next: version + 1, versions: [...manifest.versions, entry] });
      await this.#options.log(model, {
        type: 'adapter.trained',
        version,
        sha256: entry.sha256,
        run: candidate.run,
      });
      return entry;
    });
  }

  /**
   * Records what was measured. One that passed gets the dose that passed into its file, becomes the one in force, and stays
   * for rollback; one that failed loses its file and keeps its numbers.
   * @throws {ZellError} not_found; invalid_request: it is no candidate any more
   */
  judge(model: string, version: number, verdict: Verdict): Promise<AdapterVersion> {
    return this.#inTurn(async () => {
      let manifest = await this.#recovered(model);
      const entry = find(manifest, version);
      if (entry.verdict !== undefined) return entry;
      if (entry.state !== 'candidate')
        throw new ZellError('invalid_request', `Adapter ${version} is ${entry.state}, not a candidate.`);
      await this.#options.log(model, {
        type: 'adapter.gated',
        version,
        passed: verdict.passed,
        scale: verdict.scale,
      });
      const candidate = this.candidateFile(model, version);
      if (!verdict.passed) {
        const judged: AdapterVersion = { ...entry, verdict, state: 'rejected' };
        await this.#save(model, replaced(manifest, judged));
        await rm(candidate, { force: true });
        return judged;
      }
      // The candidate stays until the manifest names the new file, so that a kill in between gives no dose twice.
      const trained = await readFile(candidate);
      const bytes = verdict.scale === 1 ? trained : scaledAdapter(trained, verdict.scale, candidate);
      await writeDurably(this.versionFile(model, version), bytes);
      const judged: AdapterVersion = { ...entry, verdict, state: 'promoted', sha256: sha256(bytes) };
      await this.#options.log(model, { type: 'adapter.promoted', version, sha256: judged.sha256 });
      manifest = { ...replaced(manifest, judged), active: version };
      await this.#save(model, manifest);
      await rm(candidate, { force: true });
      await this.#point(model, manifest);
      await this.#prune(model, manifest);
      this.#options.onChange?.(model);
      return judged;
    });
  }

  /** Back to the promoted version before the one in force, or to none. @throws {ZellError} not_found: none is in force */
  rollback(model: string): Promise<{ readonly from: number; readonly to: number | null }> {
    return this.#inTurn(async () => {
      const manifest = await this.#recovered(model);
      const from = manifest.active;
      if (from === null)
        throw new ZellError('not_found', 'No adapter is in force, so there is nothing to go back from.');
      const to = newestBefore(manifest, from);
      const left = { ...replaced(manifest, { ...find(manifest, from), state: 'rolledback' as const }), active: to };
      await this.#options.log(model, { type: 'adapter.rolledback', from, to });
      await this.#save(model, left);
      await this.#point(model, left);
      this.#options.onChange?.(model);
      return { from, to };
    });
  }

  /**
   * What was forgotten must not stay in any adapter: every version of every model that learnt from any of it loses its file at
   * once, and the newest one without it answers. @returns models whose adapter in force changed
   */
  withdraw(forgotten: { readonly ids: readonly number[]; readonly cards: readonly string[] }): Promise<string[]> {
    const ids = new Set(forgotten.ids);
    const cards = new Set(forgotten.cards);
    return this.#inTurn(async () => {
      const changed: string[] = [];
      for (const model of await this.#models()) {
        const manifest = await this.#readable(model, this.#recovered(model));
        const gone = manifest.versions.filter((v) => v.state !== 'withdrawn' && learntFrom(v, ids, cards));
        if (gone.length === 0) continue;
        const versions = manifest.versions.map((v) => (gone.includes(v) ? { ...v, state: 'withdrawn' as const } : v));
        const hit = gone.some((v) => v.version === manifest.active);
        const rest = { ...manifest, versions };
        const active = hit ? newestBefore(rest, Number.MAX_SAFE_INTEGER) : manifest.active;
        await this.#options.log(model, {
          type: 'adapter.withdrawn',
          versions: gone.map((v) => v.version),
          to: active,
        });
        const left = { ...rest, active };
        await this.#save(model, left);
        await this.#point(model, left);
        for (const { version } of gone) {
          await rm(this.versionFile(model, version), { force: true });
          await rm(this.candidateFile(model, version), { force: true });
        }
        await syncFolder(this.#folder(model));
        if (!hit) continue;
        changed.push(model);
        this.#options.onChange?.(model);
      }
      return changed;
    });
  }

  /** Models that had learnt any of it, in a version that is withdrawn now. */
  async withdrawnFrom(forgotten: {
    readonly ids: readonly number[];
    readonly cards: readonly string[];
  }): Promise<string[]> {
    const ids = new Set(forgotten.ids);
    const cards = new Set(forgotten.cards);
    const found: string[] = [];
    for (const model of await this.#models()) {
      const { versions } = await this.#readable(model, this.manifest(model));
      if (versions.some((v) => v.state === 'withdrawn' && v.verdict?.passed === true && learntFrom(v, ids, cards)))
        found.push(model);
    }
    return found;
  }

  /** Reads the manifest, and makes what a crash interrupted whole: the pointer follows the manifest, orphans go. */
  async #recovered(model: string): Promise<Manifest> {
    const file = path.join(this.#folder(model), 'manifest.json');
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw ioError(error, file);
    });
    if (text === undefined) return NO_VERSIONS;
    const manifest = readManifest(text, file);
    const active = manifest.versions.find((v) => v.version === manifest.active);
    if (active !== undefined) {
      const problem = await this.#damage(model, active);
      if (problem !== undefined) {
        // Never anything else than what passed: the newest sound one, or none.
        const left = {
          ...replaced(manifest, { ...active, state: 'damaged' as const }),
          active: newestBefore(manifest, active.version),
        };
        await this.#save(model, left);
        await this.#point(model, left);
        return left;
      }
    }
    await this.#point(model, manifest);
    const owned = new Set(manifest.versions.map(ownFile));
    for (const name of await readdir(this.#folder(model)))
      if (name !== 'manifest.json' && !owned.has(name)) await rm(path.join(this.#folder(model), name), { force: true });
    return manifest;
  }

  /** Checked once for each state of the file. */
  readonly #sound = new Map<string, string>();

  async #damage(model: string, { version, sha256: wanted }: AdapterVersion): Promise<string | undefined> {
    const file = this.versionFile(model, version);
    try {
      const { ino, size, mtimeMs } = await stat(file);
      const key = `${ino} ${size} ${mtimeMs} ${wanted}`;
      if (this.#sound.get(file) === key) return undefined;
      if (sha256(await readFile(file)) !== wanted) return 'was changed';
      this.#sound.set(file, key);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'is missing';
      throw ioError(error, file);
    }
  }

  /** The name `{model}_auto.lora` for the version in force: a second name of its file, or a copy where there are no links. */
  async #point(model: string, { active, versions }: Manifest): Promise<void> {
    const pointer = this.pointer(model);
    if (active === null) {
      // A file that the user put there himself is none of ours, and is left alone.
      const bytes = await readFile(pointer).catch(() => undefined);
      if (bytes === undefined || !versions.some((v) => v.sha256 === sha256(bytes))) return;
      await rm(pointer, { force: true });
      await syncFolder(this.#options.folder);
      return;
    }
    const file = this.versionFile(model, active);
    const [from, to] = await Promise.all([stat(file), stat(pointer).catch(() => undefined)]);
    if (to !== undefined && from.ino === to.ino && from.dev === to.dev) return;
    const temporary = `${pointer}.tmp`;
    await rm(temporary, { force: true });
    const linked = await link(file, temporary).then(
      () => true,
      () => false,
    );
    if (linked) {
      await rename(temporary, pointer);
      await syncFolder(this.#options.folder);
    } else {
      const bytes = await readFile(file);
      const same = to !== undefined && to.size === bytes.length && sha256(await readFile(pointer)) === sha256(bytes);
      if (!same) await writeDurably(pointer, bytes);
    }
  }

  async #prune(model: string, manifest: Manifest): Promise<void> {
    const kept = manifest.versions.filter((v) => v.state === 'promoted' || v.state === 'rolledback').slice(-KEPT_FILES);
    for (const { version, state } of manifest.versions) {
      if (state === 'candidate' || version === manifest.active || kept.some((v) => v.version === version)) continue;
      await rm(this.versionFile(model, version), { force: true });
    }
    const pruned: Manifest = {
      ...manifest,
      versions: manifest.versions
        .slice(-KEPT_ENTRIES)
        .map((v) =>
          v.state === 'promoted' && v.version !== manifest.active && !kept.includes(v)
            ? { ...v, state: 'dropped' as const }
            : v,
        ),
    };
    await this.#save(model, pruned);
  }

  async #prepare(model: string): Promise<void> {
    const folder = this.#folder(model);
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw ioError(error, folder);
    });
  }

  #save(model: string, manifest: Manifest): Promise<void> {
    const file = path.join(this.#folder(model), 'manifest.json');
    return writeDurably(file, `${JSON.stringify({ v: 1, ...manifest }, undefined, 1)}\n`);
  }

  /** What cannot be read answers nobody, and keeps nothing else from being forgotten. */
  #readable(model: string, manifest: Promise<Manifest>): Promise<Manifest> {
    return manifest.catch((error: unknown) => {
      this.#options.onProblem?.(model, error);
      return NO_VERSIONS;
    });
  }

  async #models(): Promise<string[]> {
    const names = await readdir(this.#options.folder).catch(() => []);
    return names.filter((name) => MODEL_HASH.test(name)).toSorted();
  }

  #folder(model: string): string {
    return path.join(this.#options.folder, checked(model));
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

const MODEL_HASH = /^[0-9a-f]{16}$/;

/** A hash becomes part of a path. */
function checked(model: string): string {
  if (!MODEL_HASH.test(model)) throw new ZellError('invalid_request', 'This is no model hash.');
  return model;
}

function find(manifest: Manifest, version: number): AdapterVersion {
  const found = manifest.versions.find((v) => v.version === version);
  if (found === undefined) throw new ZellError('not_found', `There is no adapter ${version}.`);
  return found;
}

function replaced(manifest: Manifest, entry: AdapterVersion): Manifest {
  return { ...manifest, versions: manifest.versions.map((v) => (v.version === entry.version ? entry : v)) };
}

/** Newest promoted version below `version`. */
function newestBefore(manifest: Manifest, version: number): number | null {
  return manifest.versions.filter((v) => v.state === 'promoted' && v.version < version).at(-1)?.version ?? null;
}
