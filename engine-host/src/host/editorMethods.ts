/** The `zell/*` requests and notifications, on the host's parts. One table, typed by the protocol. */
import type { KeptPrefix } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { EditorMethod, EditorNotifications, EditorRequests } from '#protocol/editor.ts';
import { MEMORY_MODES, type MemoryForget, type MemoryStatus } from '#protocol/memory.ts';
import { MOST_RECALL_TOKENS, type MemoryChoice } from '../memory/memorySettings.ts';
import type { ModelService } from '../models/modelService.ts';
import type { ModelProfiles } from '../profile/modelProfiles.ts';
import type { AdapterStore } from '../training/adapters/adapterStore.ts';
import type { AutoAdapter } from '../training/adapters/autoAdapter.ts';
import { exportPeft } from '../training/adapters/peftFolder.ts';
import { GATE_LIMITS } from '../training/gate/gate.ts';
import type { AdapterExchange } from './adapterExchange.ts';
import type { Learning } from './learning.ts';
import type { HostEngine } from './hostEngine.ts';
import type { MemoryPort } from './memoryPort.ts';
import type { BuildProfile } from './profileBuilder.ts';
import type { StatusBoard } from './statusBoard.ts';

export interface EditorParts {
  readonly engine: HostEngine;
  readonly models: ModelService;
  readonly memory: MemoryPort;
  /** With what learning does. */
  readonly memoryStatus: () => Promise<MemoryStatus>;
  /** Absent: nothing can be learnt here. */
  readonly learning?: Pick<Learning, 'sleepNow' | 'wake' | 'rest' | 'curve' | 'gateLimits'>;
  /** Absent likewise. */
  readonly exchange?: AdapterExchange;
  readonly adapters: { readonly store: AdapterStore; readonly auto: AutoAdapter };
  readonly status: StatusBoard;
  readonly version: string;
  /** @returns the end of the subscription */
  readonly onMemoryChanged: (listener: (lastEventId: number) => void) => () => void;
  /** Nothing that was erased stays in the KV cache, in memory or on the disk. */
  readonly forgetPrefixes: (signal: AbortSignal) => Promise<void>;
  /** Keeps a system prompt on the disk; progress shows in the status. */
  readonly buildPrefix: (model: ModelInfo, system: string, signal: AbortSignal) => Promise<KeptPrefix>;
  readonly buildProfile: BuildProfile;
  readonly profiles: Pick<ModelProfiles, 'get'>;
  /** Ends the host after the answer has left. */
  readonly stop: (drain: boolean) => void;
  readonly keep: () => void;
}

type Handlers = {
  readonly [M in EditorMethod]: (
    params: EditorRequests[M]['params'],
    signal: AbortSignal,
  ) => Promise<EditorRequests[M]['result']>;
};

/** Params come from our own clients (they hold the token) but are checked all the same: a wrong one is `invalid_request`. */
export function editorMethods(parts: EditorParts): Handlers {
  const { engine, models, memory, status } = parts;
  const { adapters } = parts;
  const loaded = (): ModelInfo => {
    const model = models.current();
    if (model === undefined) throw new ZellError('model_not_found', 'No model is loaded.');
    return model;
  };
  const chosen = async (change: Partial<MemoryChoice>): Promise<MemoryStatus> => {
    await memory.choose(change);
    parts.learning?.rest();
    return parts.memoryStatus();
  };
  const learner = (): Pick<Learning, 'sleepNow' | 'wake'> => {
    if (parts.learning === undefined) throw new ZellError('memory_off', 'There is no memory here that could learn.');
    return parts.learning;
  };
  const exchange = (): AdapterExchange => {
    if (parts.exchange === undefined) throw new ZellError('memory_off', 'There is no memory here to measure with.');
    return parts.exchange;
  };
  const hash = (): string | undefined => models.current()?.modelHash;
  return {
    'zell/status/get': () => Promise.resolve(status.get()),
    'zell/engine/restart': async (_params, signal) => {
      await engine.restart(signal);
      return null;
    },
    'zell/models/list': async (_params, signal) => ({ models: [...(await models.list(signal))] }),
    'zell/models/choose': async ({ name }, signal) => ({ model: await models.choose(text(name, 'name'), signal) }),
    'zell/models/profile': async ({ name }, signal) => ({
      model: await models.inspect(maybeText(name, 'name'), signal),
    }),
    'zell/models/load': async ({ name }, signal) => ({ model: await models.load(maybeText(name, 'name'), signal) }),
    'zell/adapters/load': async ({ path, scale }, signal) => {
      const { adapter } = await engine.call('loadAdapter', { path: text(path, 'path'), scale }, signal);
      return { adapter };
    },
    'zell/adapters/unload': async ({ id }, signal) => {
      await engine.call('unloadAdapter', { id: count(id, 'id', 0) }, signal);
      return null;
    },
    'zell/adapters/list': async () => {
      const list = await adapters.auto.list(loaded().modelHash);
      const limits = parts.learning?.gateLimits;
      return limits === undefined ? list : { ...list, limits };
    },
    'zell/adapters/rollback': () => adapters.store.rollback(loaded().modelHash),
    'zell/adapters/import': async ({ path }, signal) => ({
      version: await exchange().import(text(path, 'path'), loaded(), signal),
      limits: GATE_LIMITS,
    }),
    'zell/memory/bundle': async ({ folder, base }, signal) => ({
      ...(await exchange().bundle(text(folder, 'folder'), loaded(), maybeText(base, 'base'), signal)),
    }),
    'zell/adapters/export': async ({ folder }) => {
      const model = loaded();
      const found = await adapters.store.inForce(model.modelHash);
      if (found === undefined) throw new ZellError('not_found', 'This model has no adapter in force.');
      await exportPeft(found.path, model.path, model.modelHash, text(folder, 'folder'));
      return null;
    },
    'zell/engine/bench': async ({ name, promptTokens, decodeTokens, depth, sequences, text: prompt }, signal) => {
      await models.load(maybeText(name, 'name'), signal);
      const params = {
        promptTokens: count(promptTokens, 'promptTokens', 0, 65_536),
        decodeTokens: count(decodeTokens, 'decodeTokens', 0, 65_536),
        depth: count(depth ?? 0, 'depth', 0, 1_048_576),
        sequences: count(sequences ?? 1, 'sequences', 1, 64),
        ...(prompt === undefined ? {} : { text: text(prompt, 'text') }),
      };
      return engine.call('bench', params, signal);
    },
    'zell/engine/stats': (_params, signal) => engine.call('stats', {}, signal),
    'zell/engine/experts': (_params, signal) => engine.call('expertUses', {}, signal),
    'zell/engine/limits': (_params, signal) => engine.call('limits', {}, signal),
    'zell/engine/nextTokens': async ({ name, text: prompt, top }, signal) => {
      const model = await models.load(maybeText(name, 'name'), signal);
      const params = {
        prompt: [{ text: text(prompt, 'text'), special: false }],
        addBos: model.addBos,
        top: count(top, 'top', 1, 100),
      };
      return engine.call('nextTokens', params, signal);
    },
    'zell/prefix/build': async ({ name, system }, signal) => {
      const model = await models.load(maybeText(name, 'name'), signal);
      const started = performance.now();
      const kept = await parts.buildPrefix(model, text(system, 'system'), signal);
      return { ...kept, model: model.name, ms: performance.now() - started };
    },
    'zell/profile/build': ({ name, force, seconds }, signal) => {
      const time = seconds === undefined ? {} : { seconds: count(seconds, 'seconds', 1, 60) };
      return parts.buildProfile(maybeText(name, 'name'), { force: force === true, ...time }, signal);
    },
    'zell/profile/get': async ({ name }, signal) => {
      const { name: found, path, modelHash } = await models.inspect(maybeText(name, 'name'), signal);
      return { answer: (await parts.profiles.get({ name: found, path }, modelHash)) ?? null };
    },
    'zell/memory/status': () => parts.memoryStatus(),
    'zell/memory/list': ({ limit, before }) =>
      memory.list(
        {
          limit: count(limit, 'limit', 1, 1000),
          ...(before === undefined ? {} : { before: count(before, 'before', 0) }),
        },
        hash(),
      ),
    'zell/memory/delete': async (what) => ({ erased: await memory.erase(what) }),
    'zell/memory/clear': async (_params, signal) => {
      const erased = await memory.clear();
      await parts.forgetPrefixes(signal);
      return { erased };
    },
    'zell/memory/cards': async ({ query, ids }) => {
      if (ids === undefined) return { cards: [...memory.cards(maybeText(query, 'query'))] };
      if (!Array.isArray(ids) || ids.length > MAX_NAMED) throw invalid('ids');
      const found = await Promise.all(ids.map((id) => memory.card(text(id, 'ids'))));
      return { cards: found.flatMap((one) => one?.card ?? []) };
    },
    'zell/memory/card': async ({ id }) => {
      const found = await memory.card(text(id, 'id'));
      if (found === undefined) throw new ZellError('not_found', `There is no memory ${id}.`);
      return { card: found.card, events: [...found.events] };
    },
    'zell/memory/conversation': async ({ id }) => ({ events: [...(await memory.conversation(text(id, 'id')))] }),
    'zell/memory/find': async ({ text: wanted }) => {
      const { cards, events } = await memory.find(text(wanted, 'text'));
      return { cards: [...cards], events: [...events] };
    },
    'zell/memory/editCard': async ({ id, statement, value }) => ({
      card: await memory.editCard(text(id, 'id'), {
        statement: text(statement, 'statement'),
        value: text(value, 'value'),
      }),
    }),
    'zell/memory/forget': async (what) => {
      const { ids, cards } = await memory.forget(forgetRequest(what));
      return { events: [...ids], cards: [...cards] };
    },
    'zell/memory/import': async ({ cards }) => {
      if (!Array.isArray(cards) || cards.length > MAX_IMPORT) throw invalid('cards');
      return { added: await memory.importCards(cards) };
    },
    'zell/memory/recall': async ({ enabled, tokens }) => {
      if (typeof enabled !== 'boolean') throw invalid('enabled');
      await memory.choose({
        recall: enabled,
        ...(tokens === undefined ? {} : { recallTokens: count(tokens, 'tokens', 32, MOST_RECALL_TOKENS) }),
      });
      return null;
    },
    'zell/memory/sleep': async ({ budgetMinutes }) => {
      loaded();
      await learner().sleepNow(
        budgetMinutes === undefined ? undefined : count(budgetMinutes, 'budgetMinutes', 1, 24 * 60),
      );
      return parts.memoryStatus();
    },
    'zell/memory/wake': () => {
      learner().wake();
      return parts.memoryStatus();
    },
    'zell/memory/enable': async ({ enabled }) => {
      if (typeof enabled !== 'boolean') throw invalid('enabled');
      const { mode } = await parts.memoryStatus();
      return chosen({ mode: !enabled ? 'off' : mode === 'off' ? 'learn' : mode });
    },
    'zell/memory/mode': ({ mode }) => {
      if (!MEMORY_MODES.includes(mode)) throw invalid('mode');
      return chosen({ mode });
    },
    'zell/memory/pause': ({ until }) =>
      chosen({ paused: until === undefined ? {} : { until: count(until, 'until', 1) } }),
    'zell/memory/resume': () => chosen({ paused: undefined }),
    'zell/memory/curve': () => Promise.resolve(parts.learning?.curve ?? { steps: 0, points: [] }),
    'zell/host/stop': ({ drain }) => {
      parts.stop(drain);
      return Promise.resolve(null);
    },
    'zell/host/keep': () => {
      parts.keep();
      return Promise.resolve(null);
    },
  };
}

const MAX_IMPORT = 100_000;
/** Cards that one request may ask for by their ids. */
const MAX_NAMED = 100;

/** Exactly one of the ways to say it; anything else must erase nothing. */
function forgetRequest(what: unknown): MemoryForget {
  const w = (what ?? {}) as Partial<Record<string, unknown>>;
  const keys = Object.keys(w).sort().join();
  const listOf = (value: unknown, fits: (v: unknown) => boolean): boolean => Array.isArray(value) && value.every(fits);
  const sound =
    (keys === 'ids' && listOf(w['ids'], Number.isSafeInteger)) ||
    (keys === 'cards' && listOf(w['cards'], (v) => typeof v === 'string')) ||
    (keys === 'conversation' && typeof w['conversation'] === 'string') ||
    (keys === 'workspace' && typeof w['workspace'] === 'string') ||
    (keys === 'everything' && w['everything'] === true) ||
    (keys === 'from,to' && Number.isFinite(w['from']) && Number.isFinite(w['to']));
  if (!sound) throw invalid('what to forget');
  return what as MemoryForget;
}

type Notices = {
  readonly [N in keyof EditorNotifications]: (params: EditorNotifications[N]) => void;
};

export function editorNotices(parts: EditorParts): Notices {
  const { models, memory } = parts;
  return {
    'zell/completion/accepted': (accepted) => {
      const model = models.current();
      if (model !== undefined && typeof accepted.inserted === 'string' && typeof accepted.prefixTail === 'string')
        memory.completionAccepted(accepted, model.modelHash);
    },
    'zell/completion/rejected': () => memory.completionRejected(),
    'zell/conversation/closed': ({ conversation }) => {
      if (typeof conversation === 'string') memory.closeConversation(conversation);
    },
  };
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(name);
  return value;
}

function maybeText(value: unknown, name: string): string | undefined {
  return value === undefined || value === null ? undefined : text(value, name);
}

function count(value: unknown, name: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) throw invalid(name);
  return value;
}

function invalid(name: string): ZellError {
  return new ZellError('invalid_request', `The parameter "${name}" is missing or out of its range.`);
}
