# Windows without the escape directive: backslashes doubled, or at a line's end by accident
FROM mcr.microsoft.com/dotnet/framework/aspnet:4.8
WORKDIR C:\\solution
ADD https://example.org/collect.exe C:\\TEMP\\collect.exe
RUN mkdir C:\\logs\\
COPY bootstrap.ps1 .
RUN powershell -NoProfile -File .\\bootstrap.ps1
CMD ci
