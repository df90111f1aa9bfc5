// Who may import whom, in one table; ESLint zones, the include test and the planted-violation tests are made from it.

/** TypeScript rooms: folder → folders it may import from (besides itself). Everybody but `protocol` may use `#protocol/*`. */
export const MAY_IMPORT = {
  'protocol/src': [],
  'extension/src/core': [],
  'extension/src/platform': ['extension/src/core'],
  'extension/src/features': ['extension/src/platform', 'extension/src/core'],
  'webview-ui/src': [],
  'engine-host/src/store': [],
  'engine-host/src/monitor': [],
  'engine-host/src/models': ['engine-host/src/monitor'],
  'engine-host/src/profile': ['engine-host/src/store', 'engine-host/src/monitor'],
  'engine-host/src/engineClient': [],
  'engine-host/src/tools': [],
  'engine-host/src/templates': ['engine-host/src/tools'],
  'engine-host/src/completion': [],
  'engine-host/src/memory': ['engine-host/src/store'],
  'engine-host/src/training': [
    'engine-host/src/memory',
    'engine-host/src/store',
    'engine-host/src/models',
    'engine-host/src/monitor',
  ],
  'engine-host/src/api': [
    'engine-host/src/memory',
    'engine-host/src/templates',
    'engine-host/src/tools',
    'engine-host/src/models',
  ],
  'engine-host/src/host': [
    'engine-host/src/api',
    'engine-host/src/training',
    'engine-host/src/memory',
    'engine-host/src/templates',
    'engine-host/src/completion',
    'engine-host/src/models',
    'engine-host/src/profile',
    'engine-host/src/monitor',
    'engine-host/src/store',
    'engine-host/src/engineClient',
  ],
  'engine-host/src/cli': ['engine-host/src/host', 'engine-host/src/models', 'engine-host/src/profile'],
  'engine-host/src/engine/native': [],
  'engine-host/src/engine/inference': ['engine-host/src/engine/native'],
  'engine-host/src/engine/trainer': ['engine-host/src/engine/native'],
  'engine-host/src/engine/disk': ['engine-host/src/engine/native'],
  'engine-host/src/engine/scheduler': [
    'engine-host/src/engine/inference',
    'engine-host/src/engine/disk',
    'engine-host/src/engine/native',
  ],
};

/** Top folders and what each may import from the others (none: only `#protocol/*`). */
const TOPS = ['protocol', 'extension', 'engine-host', 'webview-ui', 'scripts', 'test'];

/** Rooms that may name `vscode`, and rooms that may not name Node. */
export const VSCODE_ROOMS = ['extension/src/platform', 'extension/src/features'];
export const NO_NODE_ROOMS = ['protocol/src', 'extension/src/core', 'webview-ui/src'];
/** The only files that may open a native addon. */
export const ADDON_OPENERS = ['engine-host/src/engine/native', 'engine-host/src/host'];

/** Native rooms: what each may `#include`. */
export const MAY_INCLUDE = {
  base: [],
  quant: ['base'],
  kernels: ['quant', 'base'],
  gguf: ['quant', 'base'],
  convert: ['gguf', 'quant', 'base'],
  backend: ['kernels', 'quant', 'base'],
  stream: ['gguf', 'backend', 'kernels', 'quant', 'base'],
  kv: ['backend', 'kernels', 'quant', 'base'],
  lora: ['gguf', 'backend', 'kernels', 'quant', 'base'],
  tokenizer: ['base'],
  sampling: ['base'],
  grammar: ['base'],
  model: ['tokenizer', 'kv', 'lora', 'gguf', 'backend', 'kernels', 'quant', 'base'],
  train: ['model', 'lora', 'gguf', 'backend', 'kernels', 'quant', 'base'],
  runtime: [
    'train',
    'stream',
    'model',
    'tokenizer',
    'grammar',
    'sampling',
    'convert',
    'kv',
    'lora',
    'gguf',
    'backend',
    'kernels',
    'quant',
    'base',
  ],
};

/** ESLint flat-config entries for the rules above. `rooms` that hold no file yet do no harm. */
export function layerConfigs(importPlugin, root) {
  const zones = [];
  for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
    const top = room.split('/')[0];
    const source = `./${top}/src`;
    if (room !== `${top}/src`) {
      const except = [room, ...allowed].map((r) => `./${r.slice(top.length + 5)}`);
      zones.push({
        target: `./${room}`,
        from: source,
        except,
        message: `${room} may import only ${allowed.join(', ') || 'itself'} and the protocol`,
      });
    }
  }
  for (const top of TOPS.slice(0, 4)) {
    for (const other of TOPS) {
      if (other === top || other === 'protocol') continue;
      zones.push({ target: `./${top}`, from: `./${other}`, message: `${top} and ${other} share only the protocol` });
    }
  }
  for (const other of ['extension', 'engine-host', 'webview-ui'])
    zones.push({ target: './protocol', from: `./${other}` });
  // The engine child and the front are two processes.
  zones.push({
    target: './engine-host/src/engine',
    from: './engine-host/src',
    except: ['./engine'],
    message: 'the engine child shares only the protocol with the front',
  });
  for (const room of Object.keys(MAY_IMPORT)) {
    if (room.startsWith('engine-host/src/') && !room.startsWith('engine-host/src/engine/'))
      zones.push({
        target: `./${room}`,
        from: './engine-host/src/engine',
        message: 'the front never imports the engine child',
      });
  }
  const files = TOPS.slice(0, 4).map((top) => `${top}/src/**/*.ts`);
  return [
    {
      files,
      plugins: { 'import-x': importPlugin },
      rules: { 'import-x/no-restricted-paths': ['error', { basePath: root, zones }] },
    },
    {
      files,
      ignores: [
        '**/*.test.ts',
        ...VSCODE_ROOMS.map((r) => `${r}/**`),
        'extension/src/main.ts',
        'extension/src/composition.ts',
      ],
      rules: {
        'no-restricted-imports': [
          'error',
          { paths: [{ name: 'vscode', message: 'only extension/src/platform and features may use the editor' }] },
        ],
      },
    },
    {
      files: NO_NODE_ROOMS.map((r) => `${r}/**/*.ts`),
      ignores: ['**/*.test.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            paths: [{ name: 'vscode', message: 'only extension/src/platform and features may use the editor' }],
            patterns: [{ group: ['node:*'], message: 'this room runs without Node' }],
          },
        ],
      },
    },
    {
      files,
      ignores: ADDON_OPENERS.map((r) => `${r}/**`),
      rules: {
        'no-restricted-properties': [
          'error',
          { object: 'process', property: 'dlopen', message: 'addons are opened in engine/native and host only' },
        ],
        'no-restricted-syntax': [
          'error',
          {
            selector: "CallExpression[callee.name='require'] > Literal[value=/\\.node$/]",
            message: 'addons are opened in engine/native and host only',
          },
        ],
      },
    },
  ];
}
