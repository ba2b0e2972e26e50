# Nothing but a FROM, because the image below does the rest in its triggers
FROM node:8-onbuild
EXPOSE 8888
