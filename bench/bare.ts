import fastify from "fastify";

/** The limit of `bench -- ingest` for single events, in a process of its own: the route of Fastify, which reads the JSON and answers at once. */
export async function serveBare(): Promise<void> {
  const server = fastify();
  server.post("/api/collect", async () => ({ is_success: "true" }));
  console.log(`listening on ${await server.listen({ host: "127.0.0.1", port: 0 })}`);
}
