# How the images of distributions begin: one archive on nothing
FROM scratch
ADD debian-rootfs.tar.xz /
CMD ["bash"]
