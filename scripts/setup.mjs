// `npm run setup`: everything that start and test do before they run: packages, addon, bundles. `--dev`: the test packages too.
import { setup } from './lib/setup.mjs';

if (process.argv.includes('--help')) {
  console.log(
    'usage: npm run setup [-- --dev]\nInstalls packages, builds the native addon and the bundles; does only what changed.',
  );
} else {
  try {
    await setup({ dev: process.argv.includes('--dev') });
  } catch (error) {
    console.error(error.expected ? error.message : `Setting up failed: ${error.message}`);
    process.exitCode = 1;
  }
}
