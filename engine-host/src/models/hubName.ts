/** Names of models on Hugging Face: `hf.co/USER/REPO`, `hf.co/USER/REPO:Q4_K_M`, or a file's address there. */
import { ZellError } from '#protocol/errors.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { httpGet, type GetOptions } from './httpGet.ts';

const HUB_HOSTS = ['huggingface.co', 'hf.co'];
/** A list of a repository's files is far smaller. */
const MOST_LIST_BYTES = 8 * 1024 * 1024;
/** What is taken when a name says none: the usual compromise first. */
const USUAL = ['q4_k_m', 'q4_0', 'q8_0'];

export interface HubName {
  readonly repo: string;
  /** Part of the file's name, such as `Q4_K_M`. */
  readonly tag?: string;
  readonly file?: string;
}

/**
 * Undefined for a name that does not look like an address.
 * @throws {ZellError} forbidden for another host or another protocol, invalid_request for what cannot be an address there
 */
export function parseHubName(name: string): HubName | undefined {
  const protocol = /^([a-z][a-z0-9+.-]*):\/\//i.exec(name);
  if (protocol !== null && protocol[1]?.toLowerCase() !== 'https')
    throw new ZellError('forbidden', 'Models are pulled over https only.');
  const [host = '', ...segments] = name.slice(protocol?.[0].length ?? 0).split('/');
  if (protocol === null && (segments.length === 0 || !host.includes('.'))) return undefined;
  if (!HUB_HOSTS.includes(host.toLowerCase()))
    throw new ZellError(
      'forbidden',
      'Models are pulled from huggingface.co only, which publishes hashes of its files.',
    );
  const [user = '', last = '', ...rest] = segments;
  const [repo = '', tag, ...more] = last.split(':');
  const file = ['resolve', 'blob'].includes(rest[0] ?? '') && rest[1] === 'main' ? rest.slice(2) : rest;
  const wrong = more.length > 0 || (tag !== undefined && rest.length > 0) || (rest.length > 0 && file.length === 0);
  if (wrong || ![user, repo, ...(tag === undefined ? [] : [tag]), ...file].every(isSegment))
    throw new ZellError(
      'invalid_request',
      'The model must be hf.co/USER/REPO, hf.co/USER/REPO:QUANT or the address of a .gguf file there.',
    );
  const maybe = tag === undefined || tag.toLowerCase() === 'latest' ? {} : { tag };
  if (file.length === 0) return { repo: `${user}/${repo}`, ...maybe };
  const path = file.join('/');
  if (!/\.gguf$/i.test(path)) throw new ZellError('invalid_request', 'Only .gguf files can be pulled.');
  return { repo: `${user}/${repo}`, file: path };
}

/** What a name means on the hub now, as something to fetch. @throws {ZellError} model_not_found, unsupported, io */
export async function findOnHub(
  { repo, tag, file }: HubName,
  hub: URL,
  get: GetOptions,
  signal: AbortSignal,
): Promise<CatalogueEntry> {
  const chosen = file ?? choose(await listFiles(new URL(`api/models/${repo}`, hub), get, signal), tag);
  if (chosen === undefined)
    throw new ZellError('model_not_found', `${repo} has no GGUF file${tag === undefined ? '' : ` "${tag}"`}.`);
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(chosen))
    throw new ZellError(
      'unsupported',
      'That model lies there in several files, which pull does not fetch. Download them and pass a path.',
    );
  const stem = chosen.replace(/^.*\//, '').replace(/\.gguf$/i, '');
  const named = file === undefined ? tag : stem;
  const name = `hf.co/${repo}${named === undefined ? '' : `:${named}`}`;
  return { name, aliases: [], title: name, repo, file: chosen, bytes: 0, license: '', note: '' };
}

function isSegment(segment: string): boolean {
  return /^\w[\w.-]{0,127}$/.test(segment) && !segment.includes('..');
}

function choose(files: readonly string[], tag: string | undefined): string | undefined {
  const models = files.filter(
    (file) => /\.gguf$/i.test(file) && !/mmproj/i.test(file) && file.split('/').every(isSegment),
  );
  const withTag = (wanted: string): string | undefined =>
    models.find((file) => {
      const stem = file
        .replace(/^.*\//, '')
        .replace(/\.gguf$/i, '')
        .toLowerCase();
      return (
        stem === wanted || stem.endsWith(`.${wanted}`) || stem.endsWith(`-${wanted}`) || stem.endsWith(`_${wanted}`)
      );
    });
  if (tag !== undefined) return withTag(tag.toLowerCase());
  return USUAL.map(withTag).find((file) => file !== undefined) ?? models[0];
}

async function listFiles(url: URL, get: GetOptions, signal: AbortSignal): Promise<string[]> {
  const { response } = await httpGet(url, get, signal);
  try {
    if (response.statusCode === 404 || response.statusCode === 401)
      throw new ZellError('model_not_found', 'There is no such public model on Hugging Face.');
    if (response.statusCode !== 200)
      throw new ZellError(
        'io',
        `${url.host} does not list the model's files (${String(response.statusCode)}). Try again later.`,
      );
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_LIST_BYTES) throw new ZellError('io', `${url.host} sends a list of files that is too long.`);
      chunks.push(chunk as Buffer);
    }
    return fileNames(Buffer.concat(chunks).toString('utf8'));
  } finally {
    response.destroy();
  }
}

/** Of the hub's answer; anything else has none. */
function fileNames(json: string): string[] {
  try {
    const { siblings } = JSON.parse(json) as { siblings?: unknown };
    const names = (Array.isArray(siblings) ? siblings : []).map(
      (s) => (s as { rfilename?: unknown } | null)?.rfilename,
    );
    return names.filter((name) => typeof name === 'string');
  } catch {
    return [];
  }
}
