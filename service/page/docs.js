"use strict";

const LONG = 10_000; // characters; on three times as many, colours make the page stand still for seconds

/* JSON is indented with a line for every number, which makes a matrix a column. Lists of plain values go on one line here,
   so that a row reads as a row. (Text in JSON holds no raw line breaks, so a bracket before one is never inside a text.) */
const FLAT = /\[\s*\n\s*((?:"(?:[^"\\]|\\.)*"|[^\s[\]{}",]+)(?:,\s*(?:"(?:[^"\\]|\\.)*"|[^\s[\]{}",]+))*)\s*\]/g;
const stringify = JSON.stringify;
JSON.stringify = (value, replacer, indent) => {
  const text = stringify(value, replacer, indent);
  return indent && text ? text.replace(FLAT, (_, row) => `[${row.replace(/,\s*\n\s*/g, ", ")}]`) : text;
};

const plainWhereLong = () => ({
  wrapComponents: {
    SyntaxHighlighter: (Original, system) => (properties) => {
      const text = properties.children;
      if (typeof text !== "string" || text.length <= LONG) return system.React.createElement(Original, properties);
      return system.React.createElement(system.getComponent("PlainTextViewer"), null, text);
    },
  },
});

window.ui = SwaggerUIBundle({
  dom_id: "#docs",
  url: "openapi.json",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [plainWhereLong],
  layout: "BaseLayout",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  showCommonExtensions: true,
  defaultModelsExpandDepth: 0, // the list of models begins folded
  defaultModelExpandDepth: 2,
  validatorUrl: null, // else the page would ask an address on the internet about this document
});
