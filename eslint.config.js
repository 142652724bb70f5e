import tseslint from 'typescript-eslint';

// The rooms of src/ and whom each may import. One direction only; everything from base to carrier is pure.
const rooms = {
  base: [],
  sphinx: ['base'],
  route: ['base', 'sphinx'],
  message: ['base', 'sphinx', 'route'],
  mix: ['base', 'sphinx', 'route'],
  cover: ['base', 'sphinx', 'route'],
  carrier: ['base', 'sphinx', 'route', 'message', 'mix', 'cover'],
  ports: ['base', 'sphinx', 'route', 'message', 'mix', 'cover', 'carrier'],
  post: ['base', 'sphinx', 'route', 'message', 'mix', 'cover', 'carrier', 'ports'],
  node: ['base', 'sphinx', 'route', 'message', 'mix', 'cover', 'carrier', 'ports', 'post'],
  client: ['base', 'sphinx', 'route', 'message', 'mix', 'cover', 'carrier', 'ports', 'post'],
  adapters: ['base', 'sphinx', 'route', 'message', 'carrier', 'ports'],
  cli: ['base', 'sphinx', 'route', 'message', 'mix', 'cover', 'carrier', 'ports', 'post', 'node', 'client', 'adapters'],
};
const pure = new Set(['base', 'sphinx', 'route', 'message', 'mix', 'cover', 'carrier']);
// Rooms that may wait but never touch the world themselves.
const world = new Set([...pure, 'ports', 'post', 'node', 'client']);

const clockAndChance = [
  { selector: "MemberExpression[object.name='Date']", message: 'A pure room takes `now` as an argument.' },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'A pure room takes `now` as an argument.',
  },
  { selector: "CallExpression[callee.name='Date']", message: 'A pure room takes `now` as an argument.' },
  { selector: "MemberExpression[object.name='performance']", message: 'A pure room takes `now` as an argument.' },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Randomness is an argument (base/random).',
  },
  { selector: "MemberExpression[object.name='globalThis']", message: 'A pure room sees only its arguments.' },
];

const roomRules = Object.entries(rooms).map(([room, allowed]) => {
  const others = Object.keys(rooms).filter((name) => name !== room && !allowed.includes(name));
  const patterns = [
    {
      regex: `^\\.\\./(${[...others.map((name) => `${name}/`), ...(room === 'cli' ? [] : ['compose', 'config', 'node-keys', 'main'])].join('|') || '$'})`,
      message: `Room ${room} may import only: ${allowed.join(', ') || 'nothing'}.`,
    },
    ...(world.has(room)
      ? [{ regex: '^(?!\\.{1,2}/|@noble/)', message: `Room ${room} has no I/O: no package but @noble's arithmetic.` }]
      : []),
  ];
  return {
    files: [`src/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      ...(pure.has(room) ? { 'no-restricted-syntax': ['error', ...clockAndChance] } : {}),
      ...(pure.has(room)
        ? {
            'no-restricted-globals': [
              'error',
              'process',
              'Buffer',
              'setTimeout',
              'setInterval',
              'fetch',
              'crypto',
              'performance',
            ],
          }
        : {}),
    },
  };
});

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**', 'eslint.config.js'] },
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
