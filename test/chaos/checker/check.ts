/** The checker as a program: `check <folder>` judges the files of a run and prints the verdict as JSON. */
import { judge } from './verdict.js';

const [folder = '.'] = process.argv.slice(2);
process.stdout.write(JSON.stringify(judge(folder)));
