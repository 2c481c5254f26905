import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const door = 'Time, chance and timers enter through the Runtime (src/runtime), so that a simulation can replace them.';

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];

const realm = 'A value of another realm is of another class: use isError, node:util types, or what the value can do.';

// A host may run the library in a realm of its own (Jest does, for each test file), and may have changed Object.prototype.
const classes =
  'Error|TypeError|RangeError|AggregateError|DOMException|Promise|Date|URL|AbortSignal|RegExp|Map|Set|WeakMap|WeakSet|ArrayBuffer|Buffer|Uint8Array|Array|Object|Function';
const anyHost = [
  { selector: `BinaryExpression[operator="instanceof"][right.name=/^(${classes})$/]`, message: realm },
  { selector: 'ForInStatement', message: 'It also visits what a host put on Object.prototype: use Object.keys.' },
];

// Not part of a simulated fleet, so the timers of Node.js will do.
const besideTheQueue = ['http', 'prometheus', 'otel', 'cli'].flatMap((room) => [`src/${room}.ts`, `src/${room}/**`]);

// test/architecture.test.ts enforces the same with fewer loopholes; here the editor says it while one types.
const throughRuntimeOnly = {
  'no-restricted-globals': ['error', ...['performance', 'crypto', ...timers].map((name) => ({ name, message: door }))],
  'no-restricted-properties': [
    'error',
    { object: 'Math', property: 'random', message: door },
    { object: 'process', property: 'hrtime', message: door },
    { object: 'process', property: 'uptime', message: door },
    { object: 'AbortSignal', property: 'timeout', message: door },
    ...['Date', 'performance', 'crypto', ...timers].map((property) => ({
      object: 'globalThis',
      property,
      message: door,
    })),
  ],
  'no-restricted-syntax': [
    'error',
    ...anyHost,
    // Not a restricted global, because `value instanceof Date` and the type `Date` read no clock.
    { selector: ':matches(NewExpression, CallExpression)[callee.name="Date"]', message: door },
    { selector: 'MemberExpression[object.name="Date"]', message: door },
  ],
  'no-restricted-imports': [
    'error',
    {
      paths: [
        ...['timers', 'timers/promises', 'perf_hooks'].flatMap((name) => [
          { name, message: door },
          { name: `node:${name}`, message: door },
        ]),
        // Hashing reads neither clock nor chance.
        ...['crypto', 'node:crypto'].map((name) => ({
          name,
          allowImportNames: ['createHash', 'createHmac'],
          message: door,
        })),
      ],
    },
  ],
};

export default defineConfig(
  globalIgnores(['dist/', 'test/bundles/fixture/', 'site/', 'coverage/', 'bench/node_modules/', 'examples/next/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],

      // Numbers and booleans read well in messages.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => doIt()` says the same as `() => { doIt(); }`, and so does `return doIt();` where nothing is returned.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // A deliberate "do not wait" is written `void promise`.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],

      // Noise in this style:
      // the edge checks what untyped callers hand in, and a field may change during an await: the rule knows neither;
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // methods that fulfil an asynchronous interface may have nothing to await;
      '@typescript-eslint/require-await': 'off',
      // type or interface is chosen by meaning: a union or a mapped type beside an interface is no flaw;
      '@typescript-eslint/consistent-type-definitions': 'off',
      // a recursive type needs an index signature, since a Record may not name itself;
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // a type parameter used once names what a public signature promises;
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // an empty function is how one does nothing;
      '@typescript-eslint/no-empty-function': 'off',
      // `void` in a union (`Promise<void> | void`) is how a listener's or a handler's return is typed;
      '@typescript-eslint/no-invalid-void-type': 'off',
      // `{}` is the neutral element of intersections in types that accumulate.
      '@typescript-eslint/no-empty-object-type': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      'no-console': 'error',
    },
  },
  // The console is a logger too, and this is where loggers are chosen.
  { files: ['src/log/console-logger.ts'], rules: { 'no-console': 'off' } },
  { files: ['src/runtime/**', ...besideTheQueue], rules: { 'no-restricted-syntax': ['error', ...anyHost] } },
  { files: ['src/**/*.ts'], ignores: ['src/runtime/**', ...besideTheQueue], rules: throughRuntimeOnly },
  // The command line is a process of its own, of one realm.
  { files: ['src/cli/**'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // A test may be sure of what it has just made, reach into what it should not, and say something wrong on purpose.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // Listeners and handlers that misbehave are what is tested.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
    },
  },
  // Its tsconfig.json finds fleet-q among its own node_modules, which only an installation has.
  {
    files: ['examples/worker/**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.json' } },
  },
  // Their types are in bench/node_modules, which a check of the library does without.
  {
    files: ['bench/peers/*.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      parserOptions: { projectService: false },
      globals: { URL: 'readonly', console: 'readonly', process: 'readonly' },
    },
  },
);
