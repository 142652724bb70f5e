import tseslint from 'typescript-eslint';

const core = ['base', 'provider', 'sphinx', 'route', 'path', 'council', 'message', 'mix', 'cover', 'carrier'];

// The rooms of src/ and whom each may import. One direction only; everything from base to carrier is pure,
// and so are sim and page; of ports, which are types, page sees what it shows.
const rooms = {
  base: [],
  provider: ['base'],
  sphinx: ['base'],
  route: ['base', 'provider', 'sphinx'],
  path: ['base', 'provider', 'sphinx', 'route'],
  council: ['base', 'provider', 'sphinx', 'route'],
  message: ['base', 'sphinx', 'route'],
  mix: ['base', 'sphinx', 'route'],
  cover: ['base', 'sphinx', 'route', 'path'],
  carrier: ['base', 'provider', 'sphinx', 'route', 'council', 'message', 'mix', 'cover'],
  testing: ['base', 'ports'],
  sim: core,
  ports: core,
  page: [...core, 'ports'],
  post: [...core, 'ports'],
  follow: [...core, 'ports', 'post'],
  node: [...core, 'ports', 'post', 'follow'],
  client: [...core, 'ports', 'post', 'follow'],
  directory: [...core, 'ports', 'post', 'follow'],
  setup: [...core, 'ports'],
  adapters: ['base', 'provider', 'sphinx', 'route', 'council', 'message', 'carrier', 'ports'],
  cli: [...core, 'sim', 'ports', 'post', 'follow', 'node', 'client', 'directory', 'setup', 'adapters'],
};
const pure = new Set([...core, 'sim', 'page']);
// Rooms that may wait but never touch the world themselves.
const world = new Set([...pure, 'ports', 'post', 'follow', 'node', 'client', 'directory', 'setup']);

const nowIsAnArgument = 'A pure room takes `now` as an argument.';
const chanceIsAnArgument = 'Randomness is an argument (base/random).';
const clockAndChance = [
  // `new Date(at)` reckons with a time that was given; anything else of Date asks for the running one.
  {
    selector: "Identifier[name='Date']:not(NewExpression > Identifier.callee):not(TSTypeReference > Identifier)",
    message: nowIsAnArgument,
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: nowIsAnArgument },
  { selector: "NewExpression[callee.name='Date'] > SpreadElement", message: nowIsAnArgument },
  {
    selector: "Identifier[name='Math']:not(MemberExpression > Identifier.object)",
    message: 'A borrowed Math hides Math.random.',
  },
  { selector: "MemberExpression[object.name='Math'][computed=true]", message: chanceIsAnArgument },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: chanceIsAnArgument },
];
// What no-restricted-imports doesn't see.
const hiddenImports = [
  { selector: 'ImportExpression', message: 'A room imports at its top, where the room table is checked.' },
  { selector: 'TSImportType', message: 'A room imports at its top, where the room table is checked.' },
  { selector: 'TSImportEqualsDeclaration', message: 'A room imports at its top, where the room table is checked.' },
];
// Names that reach the world, the clock or chance without an import, and those that reach all names.
const worldlyGlobals = [
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'crypto',
  'performance',
  'Temporal',
  'Intl',
  'console',
  'require',
  'eval',
  'Function',
  'globalThis',
  'global',
  'self',
];

const roomRules = Object.entries(rooms).map(([room, allowed]) => {
  const names = [...allowed, ...(room === 'cli' ? ['compose', 'config', 'node-keys', 'version'] : [])];
  const isPure = pure.has(room);
  const patterns = [
    {
      // An allow-list, because `./../adapters/` and `../base/../adapters/` name a forbidden room too.
      regex: `^\\.(?!/[\\w-]+\\.js$${allowed.length === 0 ? '' : `|\\./(${allowed.join('|')})/[\\w-]+\\.js$`}${
        room === 'cli' ? '|\\./[\\w-]+\\.js$' : ''
      })`,
      message: `Room ${room} may import only: ${names.join(', ') || 'nothing'}.`,
    },
    ...(world.has(room)
      ? [{ regex: '^(?!\\.|@noble/)', message: `Room ${room} has no I/O: no package but @noble's arithmetic.` }]
      : []),
  ];
  return {
    files: [`src/${room}/**/*.ts`],
    // A pure room has no exceptions, so there is no comment that makes one.
    ...(isPure ? { linterOptions: { noInlineConfig: true } } : {}),
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      ...(world.has(room)
        ? { 'no-restricted-syntax': ['error', ...hiddenImports, ...(isPure ? clockAndChance : [])] }
        : {}),
      ...(isPure ? { 'no-restricted-globals': ['error', ...worldlyGlobals] } : {}),
    },
  };
});

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**', '.cache/**', 'eslint.config.js', 'test/mutation/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'max-params': ['error', 4],
      eqeqeq: 'error',
    },
  },
  ...roomRules,
  { files: ['vitest.config.ts', 'test/count-reporter.ts'], rules: { 'no-restricted-exports': 'off' } },
);
