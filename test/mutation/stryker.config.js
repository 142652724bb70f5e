import { PluginKind, declareValuePlugin } from '@stryker-mutator/api/plugin';

const room = process.env['MUTATED_ROOM'] ?? 'mix';

/**
 * Leaves the texts of our own mistakes as they are: nothing reads them but the person who looks at why a process stopped,
 * and a test that repeats one holds nothing. That the mistake is seen at all is mutated like everything else.
 */
const bugTexts = {
  shouldIgnore: (path) =>
    path.isNewExpression() && path.node.callee.name === 'Bug' ? 'the text of a Bug is for people' : undefined,
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'bug-texts', bugTexts)];

/** Run from the root of the repository, by `npm run mutation`. Every path here begins there. */
export default {
  mutate: [`src/${room}/**/*.ts`],
  plugins: [
    '@stryker-mutator/vitest-runner',
    '@stryker-mutator/typescript-checker',
    './test/mutation/stryker.config.js',
  ],
  testRunner: 'vitest',
  // Which tests may kill a mutant is told once, in the configuration of vitest.
  vitest: { configFile: 'test/mutation/vitest.config.js', related: false },
  // What doesn't compile is no mutant: the compiler would have caught it.
  checkers: ['typescript'],
  tsconfigFile: 'tsconfig.core.json',
  coverageAnalysis: 'perTest',
  ignorers: ['bug-texts'],
  // Endless loops are cut off by how often they go round; a busy machine must not count as a killed mutant.
  timeoutMS: 60_000,
  timeoutFactor: 4,
  concurrency: Number(process.env['MUTATION_WORKERS'] ?? 2),
  thresholds: { high: 95, low: 90, break: 85 },
  ignorePatterns: ['/dist', '/docs', '/config', '/coverage', '/.cache', '/.ci'],
  tempDirName: '.cache/stryker',
  incremental: true,
  incrementalFile: `.cache/mutation-${room}.json`,
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `.cache/mutation-${room}-report.json` },
};
