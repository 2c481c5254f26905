/** The checker: `check <folder>` judges what a run has left there, and prints the verdict as JSON. */
import { judge } from './verdict.js';

const [folder = '.'] = process.argv.slice(2);
process.stdout.write(JSON.stringify(judge(folder)));
