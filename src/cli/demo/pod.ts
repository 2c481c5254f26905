/** One pod of the demo, a process of its own. It keeps a ledger beside the store, which the demo reads. */
import { FleetQ, stopOnSignals } from '../../index.js';
import { countFile } from './count-file.js';
import { Ledger } from './ledger.js';
import { PACES, placeFromEnv, storeAt } from './settings.js';

const [folder = '.', podId = 'pod'] = process.argv.slice(2);
const place = placeFromEnv();
const ledger = new Ledger(folder, podId);

const queue = new FleetQ({ store: await storeAt(place), podId, steps: [countFile], ...PACES[place.store].timing });

queue.on('step:claimed', ({ stepId }) => ledger.write('claimed', { stepId }));
queue.on('step:started', ({ stepId }) => ledger.write('started', { stepId }));
queue.on('step:completed', ({ stepId }) => ledger.write('settled', { stepId }));
queue.on('step:failed', ({ stepId }) => ledger.write('settled', { stepId }));
queue.on('step:lost', ({ stepId }) => ledger.write('refused', { stepId }));
queue.on('recovery:completed', ({ deadPods, requeued }) =>
  ledger.write('recovered', { deadPods: deadPods.map((pod) => pod.podId), stepIds: requeued }),
);

stopOnSignals(queue);
await queue.start();
ledger.write('ready');
