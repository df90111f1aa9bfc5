/** Rules that ESLint's zones cannot say: features stay apart, and nothing imports in a circle. */
module.exports = {
  forbidden: [
    {
      name: 'features-stay-apart',
      severity: 'error',
      from: { path: '^extension/src/features/([^/]+)/' },
      to: { path: '^extension/src/features/', pathNot: '^extension/src/features/$1/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: false,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs'] },
  },
};
