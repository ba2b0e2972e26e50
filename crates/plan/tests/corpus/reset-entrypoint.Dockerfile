# A tool's image with its ENTRYPOINT and CMD taken away, as CI systems want it
FROM alpine/git:2.49
ENTRYPOINT []
CMD []
