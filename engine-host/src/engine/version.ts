/** The version of the package that the bundle was built from, put in by the bundler. */
declare const ZELL_VERSION: string | undefined;

export const VERSION: string = typeof ZELL_VERSION === 'string' ? ZELL_VERSION : '0.0.0-dev';
