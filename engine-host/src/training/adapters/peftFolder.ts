/** PEFT folders on the disk: `adapter_config.json` and `adapter_model.safetensors`. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { ioError, writeDurably } from '../../store/durable.ts';
import { readGgufAdapter, readGgufMetadata, writeGgufAdapter } from './ggufAdapter.ts';
import { fromPeft, toPeft, type BaseShape } from './peft.ts';
import { readSafetensors, safetensorsMetadata, writeSafetensors } from './safetensors.ts';

const MOST_CONFIG_BYTES = 1 << 20;
const MOST_WEIGHT_BYTES = 2 ** 31 - 1;
/** Among the safetensors' own metadata, which PEFT and vLLM pass over; folders that others wrote have none. */
const BASE_KEY = 'zell.base.model_hash';

/** Writes the adapter as PEFT and vLLM read it. The folder is made when it is missing. @throws {ZellError} */
export async function exportPeft(adapter: string, modelPath: string, modelHash: string, folder: string): Promise<void> {
  const contents = await readGgufAdapter(adapter);
  const { tensors, config } = toPeft(contents, await baseShape(modelPath));
  const whole = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: null,
    inference_mode: true,
    bias: 'none',
    fan_in_fan_out: false,
    lora_dropout: 0,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    ...config,
  };
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw ioError(error, folder);
  });
  await writeDurably(
    path.join(folder, 'adapter_model.safetensors'),
    writeSafetensors(tensors, { format: 'pt', [BASE_KEY]: modelHash }),
  );
  await writeDurably(path.join(folder, 'adapter_config.json'), `${JSON.stringify(whole, undefined, 2)}\n`);
}

/** Writes `output`, a GGUF adapter for the model. @throws {ZellError} bad_model_file: also when it says that it is for another one */
export async function importPeft(folder: string, modelPath: string, modelHash: string, output: string): Promise<void> {
  const config = await read(path.join(folder, 'adapter_config.json'), MOST_CONFIG_BYTES);
  let parsed: unknown;
  try {
    parsed = JSON.parse(config.toString('utf8'));
  } catch {
    throw new ZellError('bad_model_file', `${path.join(folder, 'adapter_config.json')} is no JSON.`);
  }
  const weights = path.join(folder, 'adapter_model.safetensors');
  const base = await baseShape(modelPath);
  const bytes = await read(weights, MOST_WEIGHT_BYTES);
  const made = safetensorsMetadata(bytes, weights)[BASE_KEY];
  if (made !== undefined && made !== modelHash)
    throw new ZellError('bad_model_file', `${folder}: made for the model ${made}, this one is ${modelHash}.`);
  const { alpha, matrices } = fromPeft(readSafetensors(bytes, weights), parsed, base);
  const metadata = new Map<string, string | number>([
    ['general.type', 'adapter'],
    ['general.architecture', base.architecture],
    ['adapter.type', 'lora'],
    ['adapter.lora.alpha', alpha],
    ['zell.base.model_hash', modelHash],
  ]);
  await writeDurably(output, writeGgufAdapter(metadata, matrices));
}

/** @throws {ZellError} bad_model_file */
async function baseShape(modelPath: string): Promise<BaseShape> {
  const metadata = await readGgufMetadata(modelPath);
  const architecture = metadata.get('general.architecture');
  if (typeof architecture !== 'string') throw new ZellError('bad_model_file', `${modelPath} names no architecture.`);
  const heads = Number(metadata.get(`${architecture}.attention.head_count`));
  const kvHeads = Number(metadata.get(`${architecture}.attention.head_count_kv`) ?? heads);
  if (!(heads >= 1) || !(kvHeads >= 1)) throw new ZellError('bad_model_file', `${modelPath} names no number of heads.`);
  return { architecture, heads, kvHeads };
}

async function read(file: string, mostBytes: number): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > mostBytes) throw new ZellError('too_large', `${file} is too large.`);
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new ZellError('not_found', `There is no ${file}.`, { cause: error });
    throw ioError(error, file);
  }
}
