@echo off
rem Double-click: starts DropKey; the first time it brings Python and all libraries into this folder.
setlocal
title DropKey
set "UV_PYTHON_INSTALL_DIR=%~dp0.python"
set "UV_CACHE_DIR=%~dp0.uv-cache"
if "%~1"=="" goto serve
"%~dp0uv.exe" run --quiet --isolated --no-project --python ">=3.11,<3.14" "%~dp0run.py" %*
exit /b %errorlevel%
:serve
"%~dp0uv.exe" run --quiet --isolated --no-project --python ">=3.11,<3.14" "%~dp0run.py" serve --open
if errorlevel 1 pause
