import { expect, test } from 'vitest';
import { isSecretPath } from './secretFiles.ts';

test.each([
  '.env',
  'app/.env',
  'app/.env.production',
  'config/prod.env',
  'C:\\work\\.ENV',
  'server.pem',
  'tls/server.key',
  'id_rsa',
  'id_ed25519.pub',
  '.npmrc',
  'vault.kdbx',
  'home/.aws/config',
  'home/.ssh/known_hosts',
  'gcp/service-account-prod.json',
  'credentials.yml',
  'infra/terraform.tfstate.backup',
])('%s is secret', (path) => {
  expect(isSecretPath(path)).toBe(true);
});

test.each([
  'src/main.ts',
  '.env.example',
  'environment.ts',
  'keys.ts',
  'src/secretFiles.ts',
  'monkey.py',
  'id_mapping.ts',
])('%s is not secret', (path) => {
  expect(isSecretPath(path)).toBe(false);
});
