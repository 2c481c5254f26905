/** promtool of Prometheus, if it is installed. On CI it must be. */
import { spawnSync } from 'node:child_process';

const isInstalled = spawnSync('promtool', ['--version']).status === 0;
if (!isInstalled && process.env['CI'] === 'true') throw new Error('promtool is not installed: see .ci/run');

/** The command; `undefined` if it is not installed. */
export const promtool: string | undefined = isInstalled ? 'promtool' : undefined;
