import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vite";

// A test compares it with the source: the bundle is committed, as plugins are not built
const digest = createHash("sha256");
for (const name of readdirSync("src").sort()) digest.update(readFileSync(`src/${name}`));

const line = `/* built from ${digest.digest("hex")} */\n`;
const named = {
  name: "named-by-source",
  generateBundle(_, bundle) {
    for (const part of Object.values(bundle)) if (part.code) part.code = line + part.code;
  },
};

// The App has React and its own modules as globals: the bundle brings none of them
export default defineConfig({
  plugins: [named],
  esbuild: { jsx: "transform", jsxFactory: "React.createElement", jsxFragment: "React.Fragment" },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    minify: false,
    lib: { entry: "src/index.jsx", name: "winnowReview", formats: ["umd"], fileName: () => "index.umd.js" },
  },
});
