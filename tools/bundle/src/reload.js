
// While developing: see add_reloading() in tools/bundle.
setInterval(async () => {
    const answer = await fetch(import.meta.url, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer?.status === 404) location.reload();
}, 500);
