/** Prints how this process names itself to its peers; `null` if it proves nothing. */
import { systemProcesses } from '../../../../src/store/sqlite/pods/process-table.js';

process.stdout.write(JSON.stringify(systemProcesses.self() ?? null));
