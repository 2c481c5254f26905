/** Each step type is in a file of its own. The queue takes the definitions, and infers the types of all of them. */
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { resize } from './resize.js';
import { sendEmail } from './send-email.js';

const queue = new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [resize, sendEmail] });
await queue.start();

// Checking `type` narrows the args and the result.
queue.on('step:completed', (event) => {
  if (event.type === 'resize') console.log(`resized to ${event.args.width}: ${event.result.file}`);
  else console.log(`mailed ${event.args.to}: ${event.result.accepted}`);
});

const stepIds = await queue.submitMany([
  { type: 'resize', args: { file: 'logo.png', width: 640 } },
  { type: 'send_email', args: { to: 'alice@example.com', subject: 'Your logo' } },
]);
await Promise.all(stepIds.map((stepId) => queue.waitFor(stepId)));

await queue.stop();
