// A stand-in for agent402-client 0.7.0 (client/index.js of MikeyPetrillo/Agent402), which is not on npm: it reads the list
// of prices and posts to the tool's path.
export class Agent402 {
  constructor({ baseUrl, fetch: pay }) {
    this.baseUrl = baseUrl;
    this.fetch = pay;
  }

  async call(slug, body) {
    const { endpoints } = await (await fetch(`${this.baseUrl}/api/pricing`)).json();
    const tool = endpoints.find((endpoint) => endpoint.slug === slug);
    const response = await this.fetch(this.baseUrl + tool.path, {
      method: tool.method,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return { price: tool.price, answer: await response.json(), headers: Object.fromEntries(response.headers) };
  }
}
