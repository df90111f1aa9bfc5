/** Adapters in from elsewhere, through the gate, and memories out for another trainer: the two ways across this machine's border. */
import path from 'node:path';
import type { AdapterVersion } from '#protocol/adapters.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { Memory } from '../memory/memory.ts';
import { CATALOGUE, findInCatalogue, type CatalogueEntry } from '../models/catalogue.ts';
import { fileSha256 } from '../models/fileHash.ts';
import type { AdapterStore } from '../training/adapters/adapterStore.ts';
import type { AutoAdapter } from '../training/adapters/autoAdapter.ts';
import { importAdapter } from '../training/adapters/importAdapter.ts';
import { comesBack } from '../training/adapters/peft.ts';
import { writeBundle, type BundleReport } from '../training/bundle/writeBundle.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import { readAnchors } from '../training/night/anchorFile.ts';
import { Valve } from '../training/sleep/valve.ts';
import type { HostEngine } from './hostEngine.ts';
import type { Learning } from './learning.ts';
import { ModelVoice } from './modelVoice.ts';
import type { ZellPaths } from './paths.ts';

export interface ExchangeParts {
  readonly paths: ZellPaths;
  readonly memory: Memory;
  readonly engine: HostEngine;
  readonly templates: ChatTemplates;
  readonly store: AdapterStore;
  readonly auto: AutoAdapter;
  readonly learning: Pick<Learning, 'awake'>;
}

export class AdapterExchange {
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** @param file a PEFT folder or a GGUF file. @throws {ZellError} busy: a sleep measures or trains */
  async import(file: string, model: ModelInfo, signal: AbortSignal): Promise<AdapterVersion> {
    const { paths, memory, engine, templates, store, auto } = this.#parts;
    // Two that measure would each take the other's adapter for the one in force.
    return this.#parts.learning.awake(async () => {
      const version = await importAdapter(path.resolve(file), model, {
        engine,
        store,
        voice: new ModelVoice(engine, templates, model),
        folder: paths.lora,
        cards: memory.cards(),
        hooks: { valve: new Valve(), signal },
      });
      await auto.changed(model.modelHash);
      return version;
    });
  }

  /** `hub`: the model in full precision on Hugging Face, where the catalogue does not know it. */
  async bundle(folder: string, model: ModelInfo, hub: string | undefined, signal: AbortSignal): Promise<BundleReport> {
    const { paths, memory } = this.#parts;
    const name = hub ?? catalogued(model)?.original;
    if (name === undefined)
      throw new ZellError('invalid_request', 'Which model is this on Hugging Face? Say it with --base OWNER/NAME.');
    const { modelHash, architecture, quantization } = model;
    if (!comesBack(architecture))
      throw new ZellError('unsupported', `An adapter for ${architecture} models could not be imported afterwards.`);
    const base = { hub: name, modelHash, sha256: await fileSha256(model.path, signal), architecture, quantization };
    const anchors = await readAnchors(path.join(paths.memory, 'anchors'), modelHash, 0);
    return writeBundle(path.resolve(folder), {
      base,
      cards: memory.cards(),
      replaced: memory.replacedCards(),
      anchors: anchors ?? [],
      clean: (texts) => memory.withoutSecrets(texts),
      now: Date.now(),
    });
  }
}

function catalogued({ path: file, name }: ModelInfo): CatalogueEntry | undefined {
  const base = path.basename(file).toLowerCase();
  return CATALOGUE.find((entry) => entry.file.toLowerCase() === base) ?? findInCatalogue(name);
}
