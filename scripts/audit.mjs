// Runs `npm audit` on what a user installs. If the registry has no advisories, it prints that nothing was checked and
// succeeds, so that the other checks can run. Publishing runs `npm audit` itself, which fails then.
import { spawnSync } from 'node:child_process';

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const report = parse(stdout);
const total = report?.metadata?.vulnerabilities?.total;

if (total === 0) {
  console.log('audit: no known vulnerability in the runtime dependencies');
} else if (typeof total === 'number') {
  console.error(JSON.stringify(report.vulnerabilities, null, 2));
  console.error(`audit: ${total} vulnerable runtime dependencies`);
  process.exitCode = 1;
} else {
  console.warn(`audit: NOT CHECKED, the registry gave no advisories (${report?.statusCode ?? 'no answer'})`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
