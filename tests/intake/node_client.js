// A sender's SOAP client: reads the WSDL, makes the calls that stand on stdin, and prints what came back, one JSON line each.
// Arguments: address of the WSDL, "1.1" or "1.2", "basic" or "token", sender, key.
"use strict";
const soap = require("soap");
const [wsdl, version, way, sender, key] = process.argv.slice(2);

async function main() {
  const calls = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === "1.2" });
  const port = version === "1.2" ? "OneStopSoap12" : "OneStopSoap11";
  client.setSecurity(
    way === "basic" ? new soap.BasicAuthSecurity(sender, key) : new soap.WSSecurity(sender, key, { mustUnderstand: true })
  );
  for (const [operation, content] of calls) {
    const call = client.OneStop[port][operation].bind(client);
    const told = await new Promise((done) =>
      call(content, (error, result) => {
        if (!error) return done({ result });
        const fault = error.root && error.root.Envelope.Body.Fault;
        done({ status: error.response ? error.response.status : 0, fault: fault || null, message: String(error.message) });
      })
    );
    console.log(JSON.stringify(told));
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
