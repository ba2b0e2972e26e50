# Paths with blanks in the JSON form, and JSON forms that are none
FROM mcr.microsoft.com/dotnet/sdk:10.0
COPY ["My App/My App.csproj", "My App/"]
COPY [ "a b.txt", "c d.txt", "/srv/with blank/" ]
ADD ["archive with blank.tar.gz", "/opt/"]
COPY --chown=1:1 ["x", "/y"]
RUN ["dotnet", "restore", "My App/My App.csproj"]
RUN [ -f /y ] && echo there
RUN ['echo', 'single quotes are for the shell']
CMD ["dotnet", "run"] --trailing
ENTRYPOINT [ "sh", "-c", "echo \"quoted\" \\ and \u0041 \t tab" ]
