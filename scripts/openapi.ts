// `npx tsx scripts/openapi.ts [--check]`: writes docs/openapi.json as the server gives it at /openapi.json, or says whether it is that.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createApi } from '../engine-host/src/api/server.ts';
import { FakeEngine, fakeModels, fixedLibrary, MODEL } from '../engine-host/src/api/testing.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

if (process.argv.includes('--help')) {
  console.log(
    'usage: npx tsx scripts/openapi.ts [--check]\nWrites docs/openapi.json from the routes and their schemas; --check compares only.',
  );
} else {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const app = createApi({
    engine: new FakeEngine(),
    models: fakeModels(MODEL),
    library: fixedLibrary(MODEL),
    recorder: { exchange: () => undefined },
    identity: { version, instance: '', startedAt: 0 },
    token: '',
  });
  const answer = await app.inject({ url: '/openapi.json', headers: { host: 'localhost' } });
  await app.close();
  const file = path.join(ROOT, 'docs/openapi.json');
  const text = `${JSON.stringify(answer.json(), undefined, 2)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/openapi.json is not what the server gives; `npx tsx scripts/openapi.ts` writes it.');
    process.exitCode = 1;
  }
}
