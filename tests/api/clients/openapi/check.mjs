// Checks answers against the API's document with ajv (JSON Schema 2020-12).
// Standard input: {document, exchanges: [{operation, request?, status, type, headers: [names], body?}]}.
// Prints an array of sentences: what is wrong. Also a field that an answer has and its schema does not name is wrong.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const { document, exchanges } = JSON.parse(readFileSync(0, 'utf8'));
const wrong = [];

const pointer = (path) => path.replaceAll('~', '~0').replaceAll('/', '~1');
const resolve = (value) =>
  value?.$ref === undefined ? value : value.$ref.slice(2).split('/').reduce((at, name) => at[name], document);

function close(schema) {
  if (schema === null || typeof schema !== 'object') return;
  if (schema.properties && schema.additionalProperties === undefined) schema.additionalProperties = false;
  Object.values(schema).forEach(close);
}

// Of requests the schemas stay open, because the server names further fields in warnings.
const requests = new Set();
function addRequest(schema) {
  if (schema === null || typeof schema !== 'object') return;
  const name = schema.$ref?.split('/').pop();
  if (name && !requests.has(name)) {
    requests.add(name);
    addRequest(document.components.schemas[name]);
  }
  Object.values(schema).forEach(addRequest);
}

const operations = {};
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    operations[operation.operationId] = { operation, path, method };
    const schema = operation.requestBody?.content['application/json']?.schema;
    if (schema) addRequest(schema);
  }
}
for (const [name, schema] of Object.entries(document.components.schemas)) {
  if (!requests.has(name)) close(schema);
}

const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
addFormats(ajv);
ajv.addVocabulary(['components']);
ajv.addSchema({ $id: 'api', components: { schemas: document.components.schemas } });

const compiled = new Map();
function validate(where, schema, value) {
  const id = `api#/components/schemas/${pointer(schema.$ref.split('/').pop())}`;
  if (!compiled.has(id)) compiled.set(id, ajv.compile({ $ref: id }));
  const check = compiled.get(id);
  if (!check(value)) wrong.push(`${where}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value).slice(0, 500)}`);
}

for (const { operation: id, request, status, type, headers, body } of exchanges) {
  const where = `${id}: ${status}`;
  const { operation } = operations[id];
  if (request !== undefined) {
    validate(`${where}: its request`, operation.requestBody.content['application/json'].schema, request);
  }
  const answer = resolve(operation.responses[status]);
  if (answer === undefined) {
    wrong.push(`${where} is not described`);
    continue;
  }
  for (const [name, header] of Object.entries(answer.headers)) {
    if (resolve(header).required && !headers.includes(name.toLowerCase())) wrong.push(`${where}: no ${name}`);
  }
  if (status === 304 || (answer.content === undefined && type === '')) continue;
  const content = answer.content?.[type] ?? answer.content?.['*/*'];
  if (content === undefined) wrong.push(`${where}: ${type} is not described`);
  else if (body !== undefined) validate(where, content.schema, body);
}
console.log(JSON.stringify(wrong));
