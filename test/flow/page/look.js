// Look at a page with a real Chromium, without JavaScript: node look.js URL FOLDER
// Screenshots go to FOLDER, what was found to standard output as JSON.
//
// SPDX-License-Identifier: Apache-2.0
"use strict";

const { chromium } = require("playwright-core");

const WIDTHS = [1280, 400];
const SCHEMES = ["light", "dark"];

// In the page: every text's contrast with what is behind it (WCAG 2.1, 1.4.3), and what is too wide.
function measure() {
    const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [red, green, blue] = parts(colour).map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((parts(colour)[3] ?? 1) > 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const contrast = (one, other) => {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const contrasts = [], colours = [];
    for (const element of document.querySelectorAll("body, body *")) {
        const style = getComputedStyle(element);
        const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const colour = says ? style.color : element.tagName === "path" ? style.fill : null;
        if (colour === null || style.visibility === "hidden") continue;
        contrasts.push([contrast(colour, behind(element)), element.outerHTML.slice(0, 60)]);
        colours.push(colour);
    }
    return {
        contrast: contrasts.sort((a, b) => a[0] - b[0])[0],
        colours: [...new Set(colours)].length,
        wide: [...document.querySelectorAll("body *")]
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
            .map((element) => element.outerHTML.slice(0, 60)),
        scroll: document.documentElement.scrollWidth,
        back: getComputedStyle(document.body).backgroundColor,
    };
}

async function focused(page) {
    const found = [];
    for (let turn = 0; turn < 3; turn++) {
        await page.keyboard.press("Tab");
        found.push(await page.evaluate(() => {
            const style = getComputedStyle(document.activeElement);
            return [document.activeElement.textContent, style.outlineStyle];
        }));
    }
    return found;
}

async function look(browser, url, folder, scheme, width) {
    const context = await browser.newContext({
        colorScheme: scheme,
        javaScriptEnabled: false,
        viewport: { width, height: 800 },
    });
    const page = await context.newPage();
    const requests = [], messages = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => messages.push(message.text()));
    const answer = await page.goto(url);
    await page.screenshot({ path: `${folder}/${scheme}-${width}.png`, fullPage: true });
    const found = {
        scheme, width, requests, messages,
        status: answer.status(),
        title: await page.title(),
        aria: await page.locator("body").ariaSnapshot(),
        ...(await page.evaluate(measure)),
        focused: await focused(page),
    };
    await context.close();
    return found;
}

async function main([url, folder]) {
    const browser = await chromium.launch({
        executablePath: "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    const found = [];
    for (const scheme of SCHEMES)
        for (const width of WIDTHS)
            found.push(await look(browser, url, folder, scheme, width));
    await browser.close();
    console.log(JSON.stringify(found));
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
