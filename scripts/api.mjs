/**
 * Writes the API report of each entry point, `etc/*.api.md`. With `--check` it compares them and writes nothing.
 *
 * Invariants:
 * - It reads the declarations in dist, so `npm run build` comes first. Their maps lead messages to the sources.
 * - Every entry point of package.json has a report, and every report has an entry point.
 * - If an exported declaration names a type that another module exports, an entry point exports that type too.
 *
 * docs/decisions/0022-api-report.md says why it is a script and not a configuration file for each entry point.
 */
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = '.';
/** The script of a worker thread. It exports nothing. */
const WITHOUT_API = ['./sqlite/helper'];
/** `FleetQ` is a class and an interface; the report calls the interface that it extends `FleetQ_2`. */
const NAMED_OTHERWISE = ['FleetQ_2'];
/** Which compiler reads the declarations, and which report was written. */
const QUIET = ['console-preamble', 'console-api-report-created', 'console-api-report-copied'];

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = path.join(root, 'etc');
const check = process.argv.includes('--check');

const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const entries = Object.entries(exports)
  .filter(([entry]) => !WITHOUT_API.includes(entry))
  .map(([entry, { types }]) => ({
    declarations: path.join(root, types),
    isMain: entry === MAIN,
    report: `fleet-q${entry.slice(1).replaceAll('/', '-')}.api.md`,
  }));

const temporary = mkdtempSync(path.join(tmpdir(), 'fleet-q-api-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

function configuration({ declarations, isMain, report }) {
  return ExtractorConfig.prepare({
    configObjectFullPath: path.join(root, 'api-extractor.json'),
    packageJsonFullPath: path.join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: declarations,
      compiler: { tsconfigFilePath: path.join(root, 'tsconfig.build.json') },
      apiReport: {
        enabled: true,
        reportFolder: reports,
        reportTempFolder: temporary,
        reportFileName: report,
        // The main report shows what a type is made of. The others name types of the main entry point, and stop there.
        includeForgottenExports: isMain,
      },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: {
          default: { logLevel: 'error' },
          // Everything that is exported is public.
          'ae-missing-release-tag': { logLevel: 'none' },
          // TypeDoc checks the comments.
          'ae-undocumented': { logLevel: 'none' },
          'ae-unresolved-link': { logLevel: 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
}

const configurations = entries.map(configuration);
const compilerState = CompilerState.create(configurations[0], {
  additionalEntryPoints: entries.map(({ declarations }) => declarations),
});
const exported = new Set(entries.flatMap(({ declarations }) => [...exportsOf(declarations)]));

/** The names that a module exports. */
function exportsOf(file) {
  const { program } = compilerState;
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  return new Set(checker.getExportsOfModule(module).map(({ name }) => name));
}

/** Whether the type that an exported declaration names may do without an export of this entry point. */
function mayStayInside(message) {
  const [, name] = /The symbol "(\w+)"/.exec(message.text) ?? [];
  const file = path.relative(root, message.sourceFilePath).replaceAll(path.sep, '/');
  return exported.has(name) || NAMED_OTHERWISE.includes(name) || isHelper(name, file);
}

/** Whether `file` declares `name` and does not export it: a helper of the types there, which nobody else can name. */
function isHelper(name, file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  return new RegExp(`^(declare )?(type|interface|const|class) ${name}\\b`, 'm').test(text);
}

function messageCallback(message) {
  if (message.messageId === 'ae-forgotten-export' && mayStayInside(message)) message.logLevel = 'none';
  if (QUIET.includes(message.messageId)) message.handled = true;
}

mkdirSync(reports, { recursive: true });
const failed = configurations.filter((each) => {
  const options = { compilerState, localBuild: !check, printApiReportDiff: check, messageCallback };
  return !Extractor.invoke(each, options).succeeded;
});

const expected = entries.map(({ report }) => report);
const orphaned = readdirSync(reports).filter((file) => file.endsWith('.api.md') && !expected.includes(file));
if (orphaned.length > 0) console.error(`etc/: no entry point has the report ${orphaned.join(', ')}; delete it`);

if (failed.length > 0 || orphaned.length > 0) {
  if (check)
    console.error('The public API is not as etc/*.api.md says. If it should change: npm run api, then commit.');
  process.exitCode = 1;
}
