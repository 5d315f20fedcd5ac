// open_page.js - a viewer that is a web page, and a file in it; what the page then shows.
//
//     node open_page.js speedscope FOLDER FILE      speedscope, as npm has it
//     node open_page.js dhat FOLDER FILE            dh_view.html of Valgrind
//
// The page is run by jsdom, as it is, on a screen that draws nothing.  On stdout are the
// texts of the page, a line each; what it has against the file is an error, and status 1.
"use strict";

const fs = require("fs");
const path = require("path");
const { JSDOM, VirtualConsole } = require("jsdom");

const PATIENCE = 60000;         // milliseconds

function fail(why) {
    console.error(`open_page: ${why}`);
    process.exit(1);
}

function quiet() {
    const page = new VirtualConsole();

    page.on("jsdomError", error => fail(error.message));
    page.on("error", (...said) => fail(said.join(" ")));
    return page;
}

// Anything, of which all can be asked, called and set: a WebGL that draws nothing.
function anything(canvas) {
    return new Proxy(function () {}, {
        get: (_, name) => name === Symbol.toPrimitive ? () => 1
            : name === "canvas" ? canvas
            : /^[A-Z_0-9]+$/.test(String(name)) ? 1 : anything(canvas),
        apply: () => anything(canvas),
        set: () => true,
    });
}

// Of each element that has some, its own text.
function texts(document) {
    return [...document.body.querySelectorAll("*:not(script):not(style)")].map(element =>
        [...element.childNodes].filter(child => child.nodeType === 3)
            .map(child => child.data).join("").trim()).filter(text => text !== "");
}

// Wait until the page has what it is asked for: there is no event that says so.
async function until(truth, what) {
    const end = Date.now() + PATIENCE;

    while (!truth()) {
        if (Date.now() > end)
            fail(`not in ${PATIENCE / 1000} s: ${what}`);
        await new Promise(resolve => setTimeout(resolve, 20));
    }
}

// Its list of functions ("sandwich"), of which it draws only what fits on the screen.
async function speedscope(folder, file) {
    const page = new JSDOM("<body></body>", {
        url: "http://localhost/#localProfilePath=none&view=sandwich",
        runScripts: "outside-only", pretendToBeVisual: true, virtualConsole: quiet() });
    const window = page.window;
    const code = fs.readdirSync(folder).find(name => /^speedscope-.*\.js$/.test(name));

    Object.assign(window, { TextDecoder, TextEncoder,
        matchMedia: () => ({ matches: false, addListener() {}, addEventListener() {} }) });
    window.HTMLCanvasElement.prototype.getContext = function () { return anything(this); };
    window.Element.prototype.scrollTo = () => {};
    window.Element.prototype.getBoundingClientRect = () =>
        ({ x: 0, y: 0, left: 0, top: 0, width: 1000, height: 100000, right: 1000,
           bottom: 100000 });
    window.eval(fs.readFileSync(path.join(folder, code), "utf8"));
    await until(() => window.speedscope, "speedscope");
    window.speedscope.loadFileFromBase64(path.basename(file),
                                         fs.readFileSync(file).toString("base64"));
    await until(() => texts(window.document).some(text => text.endsWith("%)")), "a profile");
    return window.document;
}

async function dhat(folder, file) {
    const page = await JSDOM.fromFile(path.join(folder, "dh_view.html"), {
        runScripts: "dangerously", resources: "usable", virtualConsole: quiet() });
    const window = page.window;

    await new Promise(resolve => window.addEventListener("load", resolve));
    window.text = fs.readFileSync(file, "utf8");
    window.eval("gData = JSON.parse(text); buildTree(); displayTree(0, 0, 0);");
    return window.document;
}

(async () => {
    const [viewer, folder, file] = process.argv.slice(2);
    const document = await { speedscope, dhat }[viewer](folder, file);

    console.log(texts(document).join("\n"));
    process.exit(0);
})();
