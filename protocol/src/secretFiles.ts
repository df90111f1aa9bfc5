/** Which files are secret by convention: the editor never sends them to the engine, the memory never keeps what a prompt quotes of them. */

/** Base names, lower case; `*` stands for any run of characters. */
const SECRET_NAMES = [
  '.env',
  '.env.*',
  '*.env',
  '.envrc',
  '.npmrc',
  '.pypirc',
  '.netrc',
  '_netrc',
  '.pgpass',
  '.my.cnf',
  '.htpasswd',
  '.git-credentials',
  '.dockercfg',
  '.vault-token',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.p8',
  '*.jks',
  '*.keystore',
  '*.kdbx',
  '*.kdb',
  '*.asc',
  '*.gpg',
  '*.ppk',
  '*.ovpn',
  '*.mobileprovision',
  '*.tfvars',
  '*.tfvars.json',
  '*.tfstate',
  '*.tfstate.*',
  'id_rsa*',
  'id_dsa*',
  'id_ecdsa*',
  'id_ed25519*',
  'credentials',
  'credentials.*',
  '*credentials.json',
  'secret',
  'secret.*',
  'secrets',
  'secrets.*',
  'service-account*.json',
  'serviceaccount*.json',
  'client_secret*.json',
  'kubeconfig',
  'wp-config.php',
  'terraform.rc',
  '.terraformrc',
];

/** Folders whose every file is secret. */
const SECRET_FOLDERS = new Set(['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.password-store', 'secrets']);

/** Names that look secret and are meant to be shared. */
const SHARED_NAMES = new Set(['.env.example', '.env.sample', '.env.template', '.env.dist']);

const SECRET_PATTERN = new RegExp(`^(?:${SECRET_NAMES.map(toPattern).join('|')})$`);

/** True when the file at `path` (either slash) must not leave the editor. Examples such as `.env.example` count as secret-free. */
export function isSecretPath(path: string): boolean {
  const parts = path.toLowerCase().split(/[\\/]+/);
  const name = parts.pop() ?? '';
  if (parts.some((part) => SECRET_FOLDERS.has(part))) return true;
  return !SHARED_NAMES.has(name) && SECRET_PATTERN.test(name);
}

function toPattern(name: string): string {
  return name.replace(/[.+^$()|[\]{}\\]/g, '\\$&').replace(/\*/g, '.*');
}
