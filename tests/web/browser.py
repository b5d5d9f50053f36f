"""A real browser, and the words in which tests speak of what is on its screen."""

from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from sandbox import until

DRIVER = "/usr/bin/chromedriver"
"""Named, or selenium would look for one to download."""
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,940")
PATIENCE = 60.0


class Browser:
    """One tab. What isn't there yet is waited for."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))

    def close(self) -> None:
        self.driver.quit()

    def open(self, url: str) -> None:
        """The page is there anew, with nothing of an earlier one."""
        self.driver.get("about:blank")
        self.messages()
        self.driver.get(url)

    def look(self, dark: bool = False) -> None:
        """The system is set to light or dark."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def text(self, selector: str) -> str:
        """What people read there; empty when there is no such thing, or while it is being drawn anew."""
        try:
            return str(self.driver.find_element(By.CSS_SELECTOR, selector).text)
        except WebDriverException:
            return ""

    def reads(self, selector: str, *words: str) -> str:
        """The text there, which has these words by now."""

        def found() -> str:
            text = self.text(selector)
            return text if all(word in text for word in words) else ""

        return until(found, f"{selector} to read {words}; it reads {self.text(selector)!r}", PATIENCE)

    def find(self, selector: str) -> WebElement:
        return until(lambda: self.driver.find_elements(By.CSS_SELECTOR, selector), selector, PATIENCE)[0]

    def click(self, selector: str) -> None:
        """It was clicked; what is drawn anew at that moment is clicked afterwards."""

        def clicked() -> bool:
            try:
                self.driver.find_element(By.CSS_SELECTOR, selector).click()
            except WebDriverException:
                return False
            return True

        until(clicked, f"{selector} to be clicked", PATIENCE)

    def unfold(self, selector: str) -> None:
        """The details are open; a click that hits while they are drawn anew is repeated."""

        def opened() -> bool:
            if not self.driver.find_elements(By.CSS_SELECTOR, f"{selector}[open]"):
                self.click(f"{selector} > summary")
            return bool(self.driver.find_elements(By.CSS_SELECTOR, f"{selector}[open]"))

        until(opened, f"{selector} to be open", PATIENCE)

    def write(self, selector: str, text: str) -> None:
        """The field has this text, as if somebody had typed it over what was there."""
        field = self.find(selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text or Keys.DELETE)

    def press(self, *keys: str) -> None:
        """Keys, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def spoken(self, but: str = "") -> str:
        """What a screen reader was told last, once it is something (else)."""
        told = lambda: self.run("return document.getElementById('spoken').textContent")  # noqa: E731
        return until(lambda: text if (text := str(told())) != but else "", "something to be told", PATIENCE)

    def messages(self) -> list[str]:
        """Errors and warnings of the console since the last time: broken scripts, and what the policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def save(self, path: Path) -> None:
        self.driver.save_screenshot(str(path))
