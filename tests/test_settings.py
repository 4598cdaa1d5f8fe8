"""Settings come from the environment, then from one TOML file; secrets stay out of messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradecall.errors import ConfigurationError
from tradecall.settings import BASE_URLS, Settings, load_settings, resolve_base_url


@pytest.fixture(autouse=True)
def _bare_surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, "config"):
        monkeypatch.delenv(f"TRADECALL_{name.upper()}", raising=False)


def write(text: str, name: str = "tradecall.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_file_and_environment_the_defaults_hold():
    settings = load_settings()
    assert settings.risk == 0.02
    assert settings.include_transcript
    assert not settings.accept_caller_id
    assert settings.api_key is settings.base_url is settings.agents is None


def test_the_file_in_the_current_folder_is_read():
    write('risk = 0.1\nbase_url = "staging"')
    settings = load_settings()
    assert (settings.risk, settings.base_url) == (0.1, BASE_URLS["staging"])


def test_the_file_that_the_environment_names_beats_the_current_folder(monkeypatch):
    write("risk = 0.1")
    monkeypatch.setenv("TRADECALL_CONFIG", str(write("risk = 0.2", "other/named.toml")))
    assert load_settings().risk == 0.2


def test_the_file_given_as_argument_beats_the_one_in_the_environment(monkeypatch):
    monkeypatch.setenv("TRADECALL_CONFIG", str(write("risk = 0.2", "named.toml")))
    assert load_settings(write("risk = 0.3", "given.toml")).risk == 0.3


def test_the_environment_beats_the_file(monkeypatch):
    write("risk = 0.1\naccept_caller_id = false")
    monkeypatch.setenv("TRADECALL_RISK", "0.05")
    monkeypatch.setenv("TRADECALL_ACCEPT_CALLER_ID", "yes")
    settings = load_settings()
    assert (settings.risk, settings.accept_caller_id) == (0.05, True)


def test_an_empty_variable_leaves_the_file_its_say(monkeypatch):
    write("risk = 0.1")
    monkeypatch.setenv("TRADECALL_RISK", "")
    assert load_settings().risk == 0.1


def test_paths_in_the_file_start_from_its_folder():
    path = write('agents = "agents.csv"\nmodels = "/srv/models"', "config/tradecall.toml")
    settings = load_settings(path)
    assert settings.agents == Path("config/agents.csv")
    assert settings.models == Path("/srv/models")


def test_paths_may_start_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/dana")
    assert load_settings(write('agents = "~/agents.csv"')).agents == Path("/home/dana/agents.csv")


def test_the_api_key_does_not_show(monkeypatch):
    monkeypatch.setenv("TRADECALL_API_KEY", "te_open_sesame")
    settings = load_settings()
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "te_open_sesame"
    assert "sesame" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("rsik = 0.1", "rsik: is no setting", id="misspelt"),
        pytest.param('risk = "low"', "risk: must be a number", id="words-for-a-number"),
        pytest.param("risk = 1.0", "risk: must be between 0 and 1", id="every-call-may-be-wrong"),
        pytest.param("risk = 0", "risk: must be between 0 and 1", id="no-call-may-be-wrong"),
        pytest.param("risk = nan", "risk: must be between 0 and 1", id="not-a-number"),
        pytest.param('include_transcript = "x"', "must be true or false", id="no-boolean"),
        pytest.param("agents = 4", "agents: must be a path", id="number-for-a-path"),
        pytest.param('base_url = "prod"', "base_url: must be one of production", id="no-such-name"),
        pytest.param('api_key = "te open"', "api_key: must be printable ASCII", id="no-header"),
        pytest.param("[api]\nkey = 1", "api: is no setting", id="a-section"),
        pytest.param("risk = = 1", "not well-formed TOML (line 1)", id="no-toml"),
    ],
)
def test_a_wrong_file_is_named_with_setting_and_reason(text, message):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(text))
    assert str(caught.value).startswith("tradecall.toml: ")
    assert message in str(caught.value)


def test_a_wrong_variable_is_named_with_its_reason(monkeypatch):
    monkeypatch.setenv("TRADECALL_RISK", "low")
    with pytest.raises(ConfigurationError, match=r"^TRADECALL_RISK: must be a number$"):
        load_settings()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('api_key = "te_open sesame"', id="key-with-a-space"),
        pytest.param('api_key = "te_open_sesame', id="unclosed"),
        pytest.param('base_url = "https://dana:sesame@example.com"', id="password-in-address"),
        pytest.param('base_url = "https://example.com/?key=sesame"', id="key-in-address"),
    ],
)
def test_a_secret_stays_out_of_the_message(text):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(text))
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_named_file_must_be_there():
    with pytest.raises(ConfigurationError, match=r"gone\.toml: cannot be read"):
        load_settings(Path("gone.toml"))


def test_a_file_that_is_no_text_is_named():
    Path("tradecall.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"tradecall\.toml: is not UTF-8 text"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        pytest.param("production", BASE_URLS["production"], id="name"),
        pytest.param("Mock", BASE_URLS["mock"], id="name-in-any-case"),
        pytest.param("https://example.com/v1/", "https://example.com/v1", id="ending-slash"),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080", id="loopback"),
        pytest.param("http://[::1]:8080", "http://[::1]:8080", id="loopback-6"),
    ],
)
def test_base_url_is_a_name_or_an_address(given, address):
    assert resolve_base_url(given) == address


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="empty"),
        pytest.param("ftp://example.com", id="other-scheme"),
        pytest.param("https://", id="no-host"),
        pytest.param("http://example.com", id="key-in-the-clear"),
        pytest.param("http://127.0.0.1.example.com", id="looks-like-loopback"),
        pytest.param("https://example.com:port", id="no-port"),
        pytest.param("http://[::1", id="broken-host"),
    ],
)
def test_base_url_refuses(given):
    with pytest.raises(ValueError, match="must"):
        resolve_base_url(given)
