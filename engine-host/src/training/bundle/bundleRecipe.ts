/** How somebody else's trainer makes of a bundle what a night would: axolotl with Ray, SkyPilot, and the recipe in one file. Pure. */

/** What the adapter is for. */
export interface BundleBase {
  /** On Hugging Face, in full precision. */
  readonly hub: string;
  readonly modelHash: string;
  /** SHA-256 of the GGUF file that the adapter will run on. */
  readonly sha256: string;
  readonly architecture: string;
  readonly quantization: string;
}

export interface BundleRecipe {
  readonly rank: number;
  readonly alpha: number;
  readonly learningRate: number;
  readonly epochs: number;
  readonly batchItems: number;
  readonly seed: number;
}

export const BUNDLE_RECIPE: BundleRecipe = {
  rank: 16,
  alpha: 32,
  learningRate: 5e-4,
  epochs: 4,
  batchItems: 8,
  seed: 1,
};

/** PEFT's names of the matrices that a night trains. */
const TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

/** Scalars are JSON, which YAML reads as they are. */
export function axolotlYaml({ hub }: BundleBase, recipe: BundleRecipe): string {
  const { rank, alpha, learningRate, epochs, batchItems, seed } = recipe;
  const lines: readonly (readonly [string, unknown])[] = [
    ['base_model', hub],
    ['adapter', 'lora'],
    ['lora_r', rank],
    ['lora_alpha', alpha],
    ['lora_dropout', 0],
    ['lora_target_modules', TARGETS],
    // The loss on the answers and on the token that ends them, on nothing else.
    ['datasets', [set('train.jsonl')]],
    ['test_datasets', [{ ...set('valid.jsonl'), split: 'train' }]],
    ['sequence_len', 512],
    ['sample_packing', false],
    ['micro_batch_size', batchItems],
    ['gradient_accumulation_steps', 1],
    ['num_epochs', epochs],
    ['optimizer', 'adamw_torch'],
    ['learning_rate', learningRate],
    ['lr_scheduler', 'cosine'],
    ['warmup_ratio', 0.06],
    ['weight_decay', 0],
    ['max_grad_norm', 1],
    ['bf16', 'auto'],
    ['gradient_checkpointing', true],
    ['evals_per_epoch', 1],
    ['saves_per_epoch', 1],
    ['seed', seed],
    ['output_dir', './adapter'],
    ['use_ray', true],
    ['ray_num_workers', 1],
    ['resources_per_worker', { GPU: 1 }],
  ];
  return lines.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join('');
}

function set(path: string): Readonly<Record<string, unknown>> {
  return {
    path,
    ds_type: 'json',
    type: 'chat_template',
    field_messages: 'messages',
    roles_to_train: ['assistant'],
    train_on_eos: 'turn',
  };
}

export function skyYaml(): string {
  return `name: zell-adapter
workdir: .
resources:
  accelerators: {L4: 1, A10G: 1, A100: 1}
  autostop: {idle_minutes: 10}
setup: |
  pip install torch packaging wheel setuptools
  pip install --no-build-isolation axolotl 'ray[train]'
run: |
  axolotl train axolotl.yml
`;
}

/** `cards`, `events`: ids of what is in the sets, by which a later import knows what it may hold. */
export function recipeJson(
  base: BundleBase,
  recipe: BundleRecipe,
  content: {
    readonly cards: readonly string[];
    readonly train: number;
    readonly valid: number;
    readonly createdAt: number;
  },
): string {
  const { cards, ...counts } = content;
  return `${JSON.stringify({ v: 1, base, recipe: { ...recipe, targets: TARGETS }, ...counts, cards }, undefined, 2)}\n`;
}
