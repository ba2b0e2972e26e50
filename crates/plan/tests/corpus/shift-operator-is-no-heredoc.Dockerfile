# `<<` in a shell's arithmetic and `<<<` of bash announce no document
FROM bash:5.3
RUN echo $((1<<4)) $((2<<3))
RUN ["bash", "-c", "cat <<< one"]
SHELL ["bash", "-c"]
RUN read -r word <<< "two three" && echo "$word"
RUN echo "1 << 4" '<<EOF'
CMD echo <<EOF
