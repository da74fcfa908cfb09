# Everything starts here: `make` alone tells what there is. Needs Python >= 3.11, git and make, nothing else.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
TOWNSHIP ?= townships/xizhang
ARGS ?=

# What a shell may carry over from other work would put packages elsewhere or refuse them.
unexport PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_CONSTRAINT PIP_REQUIREMENT PIP_NO_INDEX PIP_NO_DEPS
unexport UV_TARGET UV_PREFIX UV_SYSTEM_PYTHON UV_CONSTRAINT UV_OVERRIDE UV_REQUIRE_HASHES VIRTUAL_ENV

# uv doesn't read pip's settings: a mirror and a certificate that pip was told of are passed on.
define install
	index="$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}"; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi; \
	if [ -n "$$PIP_CERT" ]; then export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}"; fi; \
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode -r $(1) && \
	$(BIN)/uv pip install --python $(BIN)/python --quiet --offline --no-deps --no-build-isolation -e .
endef

.DEFAULT_GOAL := help
.PHONY: help run setup setup-test test lint storm bench screenshots lock clean

help: ## 列出所有命令 · list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: setup ## 安装并启动示例乡镇，网页在 :8080，Prefect 在 :4200 · set up and start the example township
	@$(BIN)/bihuan up --demo $(TOWNSHIP) $(ARGS)

setup: $(VENV)/.run ## 在 .venv 里装好运行所需 · install what running needs into .venv

setup-test: $(VENV)/.test ## 在 .venv 里装好测试所需 · install what testing needs into .venv

test: setup-test ## 运行全部测试（ARGS= 传给 pytest） · run all tests (ARGS= goes to pytest)
	@$(BIN)/pytest -n auto $(ARGS)

lint: setup-test ## 检查风格和类型 · check style and types
	@$(BIN)/ruff check . && $(BIN)/mypy

storm: setup-test ## 两百次强杀和时好时坏的通道之后，查有无遗漏和重复 · kill processes 200 times, then look for anybody forgotten or told twice
	@$(BIN)/python -c 'from tests.storm import main; raise SystemExit(main())' $(ARGS)

bench: setup-test ## 运行基准测试 · run the benchmarks
	@$(BIN)/python -m bench $(ARGS)

screenshots: setup-test ## 重拍文档里的页面图片（需要 Chromium） · take the pictures of the pages anew (needs a Chromium)
	@$(BIN)/python -m tests.screenshots $(ARGS)

lock: $(VENV)/.uv ## 重新锁定依赖版本 · pin the dependencies anew
	@printf 'uv>=0.9\n' | $(BIN)/uv pip compile - $(LOCK) -o requirements-bootstrap.lock
	@$(BIN)/uv pip compile pyproject.toml --extra build --extra test $(LOCK) -o requirements-test.lock
	@$(BIN)/uv pip compile pyproject.toml --extra build -c requirements-test.lock $(LOCK) -o requirements.lock
	@if grep -nE '://|^--' requirements*.lock; then echo 'A lock file must not name an index.' >&2; exit 1; fi

LOCK := --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate --universal --python-version 3.11

clean: ## 删除 .venv 和各种缓存，不动数据 · remove .venv and caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build

$(VENV)/.run: $(VENV)/.uv requirements.lock pyproject.toml
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.test: $(VENV)/.uv requirements-test.lock pyproject.toml
	@$(call install,requirements-test.lock)
	@touch $@ $(VENV)/.run

$(VENV)/.uv: requirements-bootstrap.lock
	@if [ -z "$(PYTHON)" ]; then \
		echo '需要 Python 3.11 或更新版本，请先安装，或用 make PYTHON=/path/to/python3.11 指定。 Python 3.11 or newer is needed.' >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo '$(PYTHON) 太旧，需要 Python 3.11 或更新版本。 $(PYTHON) is too old: Python 3.11 or newer is needed.' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo '$(PYTHON) 缺少 venv 模块，Debian/Ubuntu 请先 apt install python3-venv。 $(PYTHON) lacks its venv module: install python3-venv first.' >&2; exit 1; }
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-bootstrap.lock
	@touch $@
