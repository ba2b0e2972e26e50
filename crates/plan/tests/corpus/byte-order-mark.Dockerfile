# syntax=docker/dockerfile:1
# A byte order mark in front of the syntax directive, as an editor on Windows saves it
FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY ./publish .
ENTRYPOINT ["dotnet", "Shop.dll"]
