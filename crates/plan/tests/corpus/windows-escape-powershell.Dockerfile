# escape=`
# A backtick continues lines, paths have backslashes, the shell is PowerShell
ARG REPO=mcr.microsoft.com/windows/servercore
FROM ${REPO}:ltsc2022 AS installer
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue';"]
ARG TOOL_VERSION=2.4.1
ENV TOOL_HOME="C:\tool" `
    TOOL_URL=https://example.org/tool-${TOOL_VERSION}.zip
RUN Invoke-WebRequest $Env:TOOL_URL -OutFile C:\tool.zip; `
    # a comment of ours, not PowerShell's
    Expand-Archive C:\tool.zip -DestinationPath $Env:TOOL_HOME; `
    Remove-Item -Force C:\tool.zip

FROM mcr.microsoft.com/windows/nanoserver:ltsc2022
COPY --from=installer ["C:/tool", "C:/tool"]
WORKDIR C:\app
RUN setx /M PATH "%PATH%;C:\tool"
SHELL ["cmd", "/S", "/C"]
ENTRYPOINT ["C:\\tool\\tool.exe"]
